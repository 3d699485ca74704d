import { expect } from "chai";
import { Interface } from "ethers";

import { inboxAbi } from "../../chain/generated/abi/Inbox.ts";
import { encodeSubmitBatch } from "../../chain/submitBatchCall.ts";

const inbox = new Interface(inboxAbi);

describe("submitBatch calldata", () => {
  for (const bytes of [0, 1, 31, 32, 33, 96, 9_600, 96_000]) {
    it(`encode: equals what ethers makes of ${bytes} bytes`, () => {
      const data = Uint8Array.from({ length: bytes }, (_unused, index) => (index * 31 + 7) & 255);
      const call = { l2Time: 1_700_000_000, queueEnd: 2 ** 40 + 3, expectedAccumulator: `0x0${"fed".repeat(21)}`, data };
      expect(encodeSubmitBatch(call)).to.equal(inbox.encodeFunctionData("submitBatch", [call.l2Time, call.queueEnd, call.expectedAccumulator, data]));
    });
  }
});

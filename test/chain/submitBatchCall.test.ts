import { expect } from "chai";
import { Interface } from "ethers";

import { inboxAbi } from "../../chain/generated/abi/Inbox.ts";
import { decodeSubmitBatch, encodeSubmitBatch } from "../../chain/submitBatchCall.ts";

const inbox = new Interface(inboxAbi);

describe("submitBatch calldata", () => {
  for (const bytes of [0, 1, 31, 32, 33, 96, 9_600, 96_000]) {
    it(`encode: equals what ethers makes of ${bytes} bytes, and is read back`, () => {
      const call = { l2Time: 1_700_000_000, queueEnd: 2 ** 40 + 3, data: Uint8Array.from({ length: bytes }, (_unused, index) => (index * 31 + 7) & 255) };
      const calldata = encodeSubmitBatch(call);
      expect(calldata).to.equal(inbox.encodeFunctionData("submitBatch", [call.l2Time, call.queueEnd, call.data]));
      expect(decodeSubmitBatch(calldata)).to.deep.equal(call);
    });
  }

  const good = encodeSubmitBatch({ l2Time: 1, queueEnd: 2, data: new Uint8Array(96) });
  for (const [what, calldata] of [
    ["another function", `0x12345678${good.slice(10)}`],
    ["nothing", "0x"],
    ["calldata that is cut off", good.slice(0, -80)],
    ["data at another place", good.replace(`${"0".repeat(62)}60`, `${"0".repeat(62)}80`)],
  ] as const) {
    it(`decode: is undefined for ${what}`, () => {
      expect(decodeSubmitBatch(calldata)).to.equal(undefined);
    });
  }
});

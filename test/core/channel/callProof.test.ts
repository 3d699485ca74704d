import { expect } from "chai";

import { channelIdOf, proveCall, verifyCallProof } from "../../../core/channel/index.ts";
import type { CallProof } from "../../../core/channel/index.ts";
import { RECORD } from "../../../core/channel/engine/RecordKind.ts";
import { FRAME } from "../../../core/channel/engine/frames/FrameKind.ts";
import { recoverAddress } from "../../../runtime/crypto/secp.ts";
import { codeOf } from "./support/codeOf.ts";
import { Duo, hashOf, separator, testConfig } from "./support/Duo.ts";
import { realSigner, realAddressOf } from "./fuzz/realSigner.ts";

const id = channelIdOf(testConfig);

/** The frames of the peer in a log. */
function framesOf(records: readonly Uint8Array[], kind: number): Uint8Array[] {
  return records.filter((record) => record[0] === RECORD.IN && record[1] === kind).map((record) => record.slice(1));
}

describe("call proof", () => {
  const duo = new Duo({}, realSigner).fund(1000, 0).connect();
  for (let i = 1; i <= 20; i++) duo.a.engine.call(i, hashOf(`request ${i}`));
  duo.a.engine.addLock({ hashlock: hashOf("lock"), amount: 5, expiry: duo.a.l1Seconds + 5000 });
  duo.a.engine.call(21, hashOf("last"));
  duo.a.pull();
  duo.settle().answerAll(duo.b, (sequence) => (sequence === 9 ? 3 : 0));
  const [calls] = framesOf(duo.b.durable, FRAME.CALLS);
  const [ack] = framesOf(duo.a.durable, FRAME.ACK);
  const verify = (proof: CallProof) => verifyCallProof(separator, id, proof, recoverAddress);

  it("a call: either side proves request, price and answer under both signatures", () => {
    for (const sequence of [1, 9, 20, 22]) {
      const proven = verify(proveCall(0, sequence, calls, ack));
      expect(proven).include({ payer: 0, sequence, price: sequence === 22 ? 21 : sequence, status: sequence === 9 ? 3 : 0 });
      expect(proven.requestHash).eql(hashOf(sequence === 22 ? "last" : `request ${sequence}`));
      expect(proven.responseHash).eql(hashOf(`response ${sequence}`));
      expect(proven.signers).eql({ payer: realAddressOf(duo.a.principal), payee: realAddressOf(duo.b.principal) });
    }
  });

  it("a call without an answer: is proven as far as it went", () => {
    expect(verify(proveCall(0, 5, calls))).include({ sequence: 5, price: 5, status: undefined });
  });

  it("a lock entry: is no call", () => {
    expect(codeOf(() => proveCall(0, 21, calls))).equals("channel/sequence");
    expect(codeOf(() => proveCall(0, 23, calls))).equals("channel/sequence");
  });

  it("a changed proof: fails, whatever was changed", () => {
    const good = proveCall(0, 5, calls, ack);
    const answer = good.answer!;
    const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
    const bad: CallProof[] = [
      { ...good, call: { ...good.call, items: flip(good.call.items, 16) } },
      { ...good, call: { ...good.call, items: flip(good.call.items, 30) } },
      { ...good, call: { ...good.call, before: flip(good.call.before, 0) } },
      { ...good, call: { ...good.call, count: 3 } },
      { ...good, answer: { ...answer, items: flip(answer.items, 8) } },
      { ...good, answer: { ...answer, ack: { ...answer.ack, results: 3, resultsHash: flip(answer.ack.resultsHash, 1) } } },
      { ...good, answer: proveCall(0, 6, calls, ack).answer },
    ];
    for (const [i, proof] of bad.entries()) expect(codeOf(() => verify(proof)), `change ${i}`).match(/^channel\//);
    const other = verify({ ...good, call: { ...good.call, voucher: { ...good.call.voucher, paid: 1 } } });
    expect(other.signers.payer).not.eql(realAddressOf(duo.a.principal));
  });
});

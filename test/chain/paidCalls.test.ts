import { expect } from "chai";

import { paidCallOf } from "../../chain/agents/proofOfService.ts";
import { toHex } from "../../core/codec/hex.ts";
import { AGENT, KIND, MACHINE, OP, RECEIPT } from "../../core/generated/protocol.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { Sequence } from "../differential/scenario/Sequence.ts";

/** Histories in which calls are answered, accepted, and paid after their review time. */
const SEEDS = [4, 20, 31, 36, 59];
const BATCHES = 24;
const cast = ["ann", "bob", "cyd", "dan", "eve", "fay"].map(createActor);

/** The receipt as it would be had the call cost something: calls for nothing are served and not counted. */
function withPrice(receipt: Uint8Array): Uint8Array {
  const priced = receipt.slice();
  priced[RECEIPT.amount + 7]! |= 1;
  return priced;
}

describe("paidCallOf", () => {
  it("receipts of random histories: say as many paid calls of each account as its leaf says it served", () => {
    const ways = new Set<number>();
    for (const seed of SEEDS) {
      const sequence = new Sequence({ seed, cast, domainSeparator: new Uint8Array(32).fill(0x2a) });
      const receipts = new Map<number, Uint8Array>();
      while (sequence.batches.length < BATCHES) {
        for (const { kind, index, after } of sequence.next().leaves) if (kind === KIND.RECEIPT) receipts.set(index, after);
      }
      const served = new Map<number, number>();
      const settled = new Set<string>();
      for (const receipt of receipts.values()) {
        const call = paidCallOf(withPrice(receipt));
        if (call === undefined) continue;
        expect(call.requester).to.not.equal(call.provider);
        served.set(call.provider, (served.get(call.provider) ?? 0) + 1);
        ways.add(receipt[RECEIPT.op]!);
        // The id of a call never comes back.
        const id = toHex(receipt.subarray(RECEIPT.id, RECEIPT.id + 8));
        expect(settled.has(id), `call ${id} is paid once`).to.equal(false);
        settled.add(id);
      }
      const agents = sequence.state.system.u32(MACHINE.agentCount);
      for (let index = 1; index <= agents; index += 1) {
        const leaf = sequence.state.leaf(KIND.AGENT, index);
        expect(served.get(index) ?? 0, `seed ${seed}, account ${index}`).to.equal(new DataView(leaf.buffer, leaf.byteOffset).getUint32(AGENT.served));
      }
    }
    expect([...ways].sort()).to.deep.equal([OP.RESPOND, OP.ACCEPT, OP.TIMEOUT].sort());
  });
});

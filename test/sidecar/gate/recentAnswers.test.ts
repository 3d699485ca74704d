import { createHash, randomInt } from "node:crypto";

import { expect } from "chai";

import { RecentAnswers } from "../../../sidecar/gate/RecentAnswers.ts";
import type { HeldAnswer } from "../../../sidecar/gate/Sale.ts";
import { Random } from "../../differential/scenario/Random.ts";

const proofOf = (name: string | number): Uint8Array => createHash("sha256").update(String(name)).digest();
const answerOf = (text: string, extra: readonly (readonly [string, string])[] = []): HeldAnswer => ({ status: 200, headers: [["Content-Type", "text/plain"], ...extra], body: Buffer.from(text) });

describe("recent answers", () => {
  it("find: gives what was added, with its headers in order and bytes of any value, and nothing for another proof", () => {
    const recent = new RecentAnswers(10_000);
    expect(recent.find(proofOf("a"))).to.equal(undefined);
    const answer: HeldAnswer = { status: 203, headers: [["Set-Cookie", "a=1"], ["set-cookie", "b=caf\u00e9\u00ff"], ["X-Empty", ""]], body: Buffer.from([0, 255, 10, 13, 128]) };
    recent.add(proofOf("a"), answer);
    recent.add(proofOf("bare"), { status: 204, headers: [], body: new Uint8Array(0) });
    expect(recent.find(proofOf("a"))).to.deep.equal(answer);
    expect(recent.find(proofOf("bare"))).to.deep.equal({ status: 204, headers: [], body: Buffer.alloc(0) });
    expect(recent.find(proofOf("b"))).to.equal(undefined);
  });

  it("find: keeps its answer when the ring writes over it later", () => {
    const recent = new RecentAnswers(300);
    recent.add(proofOf(0), answerOf("first"));
    const found = recent.find(proofOf(0))!;
    for (let i = 1; i < 10; i += 1) recent.add(proofOf(i), answerOf("x".repeat(100)));
    expect(recent.find(proofOf(0))).to.equal(undefined);
    expect(found).to.deep.equal(answerOf("first"));
  });

  it("add: keeps the first answer of a proof, and none that is larger than all it may hold", () => {
    const recent = new RecentAnswers(500);
    recent.add(proofOf("a"), answerOf("first"));
    recent.add(proofOf("a"), answerOf("second"));
    recent.add(proofOf("large"), answerOf("x".repeat(500)));
    recent.add(proofOf("long"), answerOf("", [["Location", "x".repeat(500)]]));
    expect([recent.find(proofOf("a"))?.body.toString(), recent.find(proofOf("large")), recent.find(proofOf("long"))]).to.deep.equal(["first", undefined, undefined]);
    new RecentAnswers(0).add(proofOf("a"), answerOf(""));
  });

  it("add: drops the oldest first and no more than it must, whatever sizes come", () => {
    const seed = randomInt(2 ** 31);
    console.log(`      seed ${seed}`);
    const random = new Random(seed);
    for (let round = 0; round < 8; round += 1) {
      const maxBytes = 400 + random.below(20_000);
      const recent = new RecentAnswers(maxBytes);
      const added: [proof: Uint8Array, answer: HeldAnswer][] = [];
      for (let i = 0; i < 300; i += 1) {
        const one: [Uint8Array, HeldAnswer] = [proofOf(`${round} ${i}`), answerOf("b".repeat(random.below(round % 2 === 0 ? 80 : 300)), [["X-Long", "h".repeat(random.below(100))]])];
        recent.add(...one);
        added.push(one);
        expect(recent.bytes).to.be.at.most(maxBytes);
        expect(recent.find(one[0]), `seed ${seed}`).to.deep.equal(one[1]);
        const isThere = added.map(([proof, answer]) => {
          const found = recent.find(proof);
          if (found !== undefined) expect(found, `seed ${seed}`).to.deep.equal(answer);
          return found !== undefined;
        });
        // What is there is the newest without a gap, and most of the room is used once something was dropped.
        const first = isThere.indexOf(true);
        expect(isThere.lastIndexOf(false), `seed ${seed}`).to.be.below(first);
        if (first > 0) expect(recent.bytes, `seed ${seed}`).to.be.above(maxBytes - 2 * 600);
      }
    }
  }).timeout(20_000);
});

import { expect } from "chai";
import { ZeroHash } from "ethers";

import { MAX_WEIGHT, createServiceScene } from "../builders/serviceScene.ts";
import type { ProvenState, ServiceScene } from "../builders/serviceScene.ts";

/** Account indices, which are also the signers that own them. Bea's account serves agent 0. */
const [BEA, CAL, DOT, EVE] = [1, 2, 3, 4] as const;
const CLIENTS = [CAL, DOT, EVE] as const;
const EACH = 6;
const AGENT = 0;
const INT128_MAX = 2n ** 127n - 1n;

describe("ProofOfService, feedback", () => {
  let scene: ServiceScene;
  let state: ProvenState;
  before(async () => {
    scene = await createServiceScene();
    await scene.identity.connect(signer(BEA))["register()"]();
    const accounts = Object.fromEntries([BEA, ...CLIENTS].map((index) => [index, { owner: address(index), ...(index === BEA ? { agentId: AGENT } : {}) }]));
    // Receipts 0 to 5 are Cal's, 6 to 11 Dot's, 12 to 17 Eve's.
    const receipts = CLIENTS.flatMap((client) => Array.from({ length: EACH }, () => ({ requester: client, provider: BEA })));
    state = await scene.confirm(accounts, Object.fromEntries(receipts.entries()));
    await scene.keep();
  });
  beforeEach(() => scene.restore());
  after(() => scene.close());

  const signer = (index: number) => scene.l1.signers[index]!;
  const address = (index: number): string => signer(index).address;
  /** Proves calls `from` to `to` - 1 of a client. */
  async function prove(client: (typeof CLIENTS)[number], from: number, to: number): Promise<void> {
    for (let call = from; call < to; call += 1) await scene.prove(state, CLIENTS.indexOf(client) * EACH + call, [client, BEA]);
  }
  const say = (client: number, value: bigint | number, decimals = 0) => scene.reputation.connect(signer(client)).giveFeedback(AGENT, value, decimals, "", "", "", "", ZeroHash);
  const attach = (client: number, index: number) => scene.proofs.attachFeedback(AGENT, address(client), index);
  const standing = async (): Promise<{ weight: number; score: number }> => {
    const { weight, weightedScore } = await scene.proofs.provenOf(AGENT);
    return { weight: Number(weight), score: Number(weightedScore) };
  };

  describe("attach", () => {
    it("feedback of a client with proven calls: enters with their number as its weight", async () => {
      await prove(CAL, 0, 2);
      await say(CAL, 90);
      await expect(scene.proofs.connect(signer(9)).attachFeedback(AGENT, address(CAL), 1)).to.emit(scene.proofs, "FeedbackAttached").withArgs(AGENT, address(BEA), address(CAL), 1, 90, 2);
      expect(await standing()).to.deep.equal({ weight: 2, score: 180 });
      const { feedbackIndex, weight, score } = await scene.proofs.attachedOf(AGENT, address(CAL));
      expect([feedbackIndex, weight, score]).to.deep.equal([1n, 2n, 90n]);
    });

    it("feedback of anybody else: is refused, however many there are", async () => {
      await prove(CAL, 0, 1);
      for (const rater of [5, 6, 7]) {
        await say(rater, 100);
        await expect(attach(rater, 1)).to.be.revertedWithCustomError(scene.proofs, "NoProvenCalls").withArgs(AGENT, address(rater));
      }
      expect(await standing()).to.deep.equal({ weight: 0, score: 0 });
    });

    it("sybil raters: weigh no more than the calls that they paid for", async () => {
      await prove(CAL, 0, 3);
      await prove(DOT, 0, 1);
      await prove(EVE, 0, 1);
      await say(CAL, 10);
      await say(DOT, 100);
      await say(EVE, 100);
      for (const client of CLIENTS) await attach(client, 1);
      expect(await standing()).to.deep.equal({ weight: 5, score: 230 });
    });

    it("weight: is the client's calls at that time, at most the limit, and anew when it is attached again", async () => {
      await prove(CAL, 0, 1);
      await say(CAL, 50);
      await attach(CAL, 1);
      await prove(CAL, 1, 3);
      expect(await standing()).to.deep.equal({ weight: 1, score: 50 });
      await attach(CAL, 1);
      expect(await standing()).to.deep.equal({ weight: 3, score: 150 });
      await prove(CAL, 3, EACH);
      await attach(CAL, 1);
      expect(await standing()).to.deep.equal({ weight: Number(MAX_WEIGHT), score: 150 });
    });

    it("values: are whole numbers from 0 to 100, rounded down, whatever their decimals", async () => {
      await prove(CAL, 0, 1);
      const cases = [[0, 0, 0], [100, 0, 100], [9_977, 2, 99], [1n, 18, 0], [100n * 10n ** 18n, 18, 100], [999_999, 4, 99]] as const;
      for (const [index, [value, decimals, score]] of cases.entries()) {
        await say(CAL, BigInt(value), decimals);
        await attach(CAL, index + 1);
        expect(await standing()).to.deep.equal({ weight: 1, score });
      }
    });

    it("values outside: are refused, the largest and the smallest too", async () => {
      await prove(CAL, 0, 1);
      const cases = [[-1n, 0], [-1n, 18], [101n, 0], [10_001n, 2], [100n * 10n ** 18n + 1n, 18], [10n ** 38n, 0], [10n ** 38n, 18], [-(10n ** 38n), 0]] as const;
      for (const [index, [value, decimals]] of cases.entries()) {
        await say(CAL, value, decimals);
        await expect(attach(CAL, index + 1)).to.be.revertedWithCustomError(scene.proofs, "ValueOutOfRange").withArgs(value, decimals);
      }
      await expect(say(CAL, INT128_MAX)).to.revert(scene.l1.ethers);
      expect(await standing()).to.deep.equal({ weight: 0, score: 0 });
    });

    it("later feedback: takes the place of the former, and an earlier one does not come back", async () => {
      await prove(CAL, 0, 1);
      for (const value of [100, 20, 60]) await say(CAL, value);
      await attach(CAL, 1);
      await attach(CAL, 3);
      expect(await standing()).to.deep.equal({ weight: 1, score: 60 });
      for (const index of [1, 2]) await expect(attach(CAL, index)).to.be.revertedWithCustomError(scene.proofs, "OlderFeedback").withArgs(index, 3);
      for (const index of [0, 4]) await expect(attach(CAL, index)).to.revert(scene.l1.ethers);
      expect(await standing()).to.deep.equal({ weight: 1, score: 60 });
    });
  });

  describe("detach", () => {
    it("revoked feedback: is refused, and taken out by anyone", async () => {
      await prove(CAL, 0, 2);
      await prove(DOT, 0, 1);
      await say(CAL, 100);
      await say(DOT, 40);
      await attach(CAL, 1);
      await attach(DOT, 1);
      await scene.reputation.connect(signer(CAL)).revokeFeedback(AGENT, 1);
      await expect(attach(CAL, 1)).to.be.revertedWithCustomError(scene.proofs, "FeedbackIsRevoked").withArgs(1);
      await expect(scene.proofs.connect(signer(9)).detachFeedback(AGENT, address(CAL))).to.emit(scene.proofs, "FeedbackDetached").withArgs(AGENT, address(BEA), address(CAL), 1);
      expect(await standing()).to.deep.equal({ weight: 1, score: 40 });
      await expect(scene.proofs.detachFeedback(AGENT, address(CAL))).to.be.revertedWithCustomError(scene.proofs, "NotAttached").withArgs(AGENT, address(CAL));
    });

    it("feedback that stands: cannot be taken out, by the agent either", async () => {
      await prove(CAL, 0, 1);
      await say(CAL, 5);
      await attach(CAL, 1);
      for (const who of [BEA, CAL, 9]) await expect(scene.proofs.connect(signer(who)).detachFeedback(AGENT, address(CAL))).to.be.revertedWithCustomError(scene.proofs, "FeedbackStands").withArgs(1);
    });

    it("after it: what the client said before counts again, and what it says later", async () => {
      await prove(CAL, 0, 1);
      for (const value of [70, 100]) await say(CAL, value);
      await attach(CAL, 2);
      await scene.reputation.connect(signer(CAL)).revokeFeedback(AGENT, 2);
      await scene.proofs.detachFeedback(AGENT, address(CAL));
      await attach(CAL, 1);
      expect(await standing()).to.deep.equal({ weight: 1, score: 70 });
      await say(CAL, 30);
      await attach(CAL, 3);
      expect(await standing()).to.deep.equal({ weight: 1, score: 30 });
    });
  });

  it("agent sold: its score stays behind, and is there when it is sold back", async () => {
    await prove(CAL, 0, 1);
    await say(CAL, 80);
    await attach(CAL, 1);
    await scene.identity.connect(signer(BEA)).transferFrom(address(BEA), address(8), AGENT);
    expect(await standing()).to.deep.equal({ weight: 0, score: 0 });
    await expect(attach(CAL, 1)).to.be.revertedWithCustomError(scene.proofs, "NoProvenCalls");
    await expect(scene.proofs.detachFeedback(AGENT, address(CAL))).to.be.revertedWithCustomError(scene.proofs, "NotAttached");
    await scene.identity.connect(signer(8)).transferFrom(address(8), address(BEA), AGENT);
    expect(await standing()).to.deep.equal({ weight: 1, score: 80 });
  });

  it("agent that does not exist: takes no feedback", async () => {
    for (const call of [scene.proofs.attachFeedback(7, address(CAL), 1), scene.proofs.detachFeedback(7, address(CAL))]) await expect(call).to.be.revertedWithCustomError(scene.identity, "ERC721NonexistentToken").withArgs(7);
  });

  it("totals: equal those made anew from what is attached, through 120 random calls", async () => {
    let seed = 11;
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const calls = new Map<number, number>(CLIENTS.map((client) => [client, 0]));
    const said = new Map<number, number>(CLIENTS.map((client) => [client, 0]));
    const done = { prove: 0, attach: 0, detach: 0 };
    for (let turn = 0; turn < 120; turn += 1) {
      const client = CLIENTS[random(3)]!;
      const [called, last] = [calls.get(client)!, said.get(client)!];
      const index = 1 + random(Math.max(1, last));
      const moves: Record<number, () => Promise<unknown>> = {
        0: async () => called < EACH && (await prove(client, called, called + 1), calls.set(client, called + 1), (done.prove += 1)),
        1: async () => (await say(client, random(130) - 10), said.set(client, last + 1)),
        2: async () => (await attach(client, index), (done.attach += 1)),
        3: async () => (await scene.proofs.detachFeedback(AGENT, address(client)), (done.detach += 1)),
        4: async () => {
          const { feedbackIndex } = await scene.proofs.attachedOf(AGENT, address(client));
          await scene.reputation.connect(signer(client)).revokeFeedback(AGENT, feedbackIndex);
        },
      };
      // Many of them are refused, by name; anything else is a failure of the test.
      await moves[[0, 1, 2, 2, 2, 3, 4][random(7)]!]!().catch((error: Error) => expect(error.message).to.match(/reverted with (custom error|reason string)/));
      const attached = await Promise.all(CLIENTS.map(async (each) => await scene.proofs.attachedOf(AGENT, address(each))));
      const sum = (of: (each: (typeof attached)[number]) => bigint): number => Number(attached.reduce((all, each) => all + of(each), 0n));
      expect(await standing()).to.deep.equal({ weight: sum(({ weight }) => weight), score: sum(({ weight, score }) => weight * score) });
    }
    expect(Math.min(done.prove, done.attach, done.detach)).to.be.greaterThan(2);
  });
});

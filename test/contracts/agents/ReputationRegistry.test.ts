import { expect } from "chai";
import { ZeroAddress, ZeroHash, id } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import type { ReputationRegistry } from "../../../typechain-types/index.ts";
import { createRegistryScene } from "../../builders/registryScene.ts";
import type { RegistryScene } from "../../builders/registryScene.ts";

const MOST = 10n ** 38n;
const OWNER = 1;
const AGENT = 0;
/** More than this many in the ordinary run cost time and show nothing new; `FEEDBACKS=10000` is the long run. */
const FEEDBACKS = Number(process.env["FEEDBACKS"] ?? 300);

interface Said {
  readonly value?: bigint | number;
  readonly decimals?: number;
  readonly tag1?: string;
  readonly tag2?: string;
}

describe("ReputationRegistry", () => {
  let scene: RegistryScene;
  let reputation: ReputationRegistry;
  before(async () => {
    scene = await createRegistryScene();
    ({ reputation } = scene);
  });
  beforeEach(() => scene.identity.connect(signer(OWNER))["register()"]());
  afterEach(() => scene.restore());
  after(() => scene.close());

  const signer = (index: number) => scene.signers[index]!;
  const address = (index: number): string => signer(index).address;
  const as = (index: number): ReputationRegistry => reputation.connect(signer(index));
  const say = (client: number, { value = 80, decimals = 0, tag1 = "", tag2 = "" }: Said = {}, agentId: bigint | number = AGENT): Promise<ContractTransactionResponse> =>
    as(client).giveFeedback(agentId, value, decimals, tag1, tag2, "https://agent.example/mcp", "ipfs://feedback", id("feedback"));
  const summary = async (clients: readonly number[], tag1 = "", tag2 = ""): Promise<readonly [bigint, bigint, bigint]> =>
    [...(await reputation.getSummary(AGENT, clients.map(address), tag1, tag2))] as [bigint, bigint, bigint];

  describe("giveFeedback", () => {
    it("feedback: is told whole, kept in part, and counted from 1 for each client", async () => {
      await expect(say(5, { value: -12, decimals: 3, tag1: "quality", tag2: "fast" }))
        .to.emit(reputation, "NewFeedback")
        .withArgs(AGENT, address(5), 1, -12, 3, "quality", "quality", "fast", "https://agent.example/mcp", "ipfs://feedback", id("feedback"));
      await say(5);
      await say(6);
      expect([await reputation.getLastIndex(AGENT, address(5)), await reputation.getLastIndex(AGENT, address(6)), await reputation.getLastIndex(AGENT, address(7))]).to.deep.equal([2n, 1n, 0n]);
      expect(await reputation.getClients(AGENT)).to.deep.equal([address(5), address(6)]);
      expect([...(await reputation.readFeedback(AGENT, address(5), 1))]).to.deep.equal([-12n, 3n, "quality", "fast", false]);
    });

    it("value: may be ±1e38 with at most 18 decimals, and no more", async () => {
      await say(5, { value: MOST, decimals: 18 });
      await say(5, { value: -MOST });
      for (const value of [MOST + 1n, -MOST - 1n, 2n ** 127n - 1n, -(2n ** 127n)]) await expect(say(5, { value })).to.be.revertedWith("value too large");
      for (const decimals of [19, 255]) await expect(say(5, { decimals })).to.be.revertedWith("too many decimals");
    });

    it("owner, its operators and the approved account: may not rate the agent", async () => {
      const { identity } = scene;
      await identity.connect(signer(OWNER)).setApprovalForAll(address(2), true);
      await identity.connect(signer(OWNER)).approve(address(3), AGENT);
      for (const index of [OWNER, 2, 3]) await expect(say(index)).to.be.revertedWith("Self-feedback not allowed");
      await identity.connect(signer(OWNER)).setApprovalForAll(address(2), false);
      await say(2);
    });

    it("transfer there and back: lets each owner rate while the other one has the agent; the registry cannot tell, and says who it was", async () => {
      const { identity } = scene;
      await say(2);
      await identity.connect(signer(OWNER)).transferFrom(address(OWNER), address(2), AGENT);
      await expect(say(2)).to.be.revertedWith("Self-feedback not allowed");
      await say(OWNER, { value: 100 });
      await identity.connect(signer(2)).transferFrom(address(2), address(OWNER), AGENT);
      await expect(say(OWNER)).to.be.revertedWith("Self-feedback not allowed");
      expect(await reputation.getClients(AGENT)).to.deep.equal([address(2), address(OWNER)]);
      // Which is why a reader names the clients it trusts, and money reads proven calls instead.
      expect(await summary([2])).to.deep.equal([1n, 80n, 0n]);
    });

    it("crowd of one owner's accounts: is let in, and counts for nobody who does not name it", async () => {
      for (const index of [10, 11, 12, 13, 14]) await say(index, { value: 100 });
      await say(5, { value: 20 });
      expect(await summary([5])).to.deep.equal([1n, 20n, 0n]);
      expect((await summary([5, 10, 11, 12, 13, 14]))[1]).to.equal(86n);
    });

    it("agent that does not exist: cannot be rated, the one with id 0 can", async () => {
      await say(5, {}, 0);
      await expect(say(5, {}, 1)).to.be.revertedWithCustomError(scene.identity, "ERC721NonexistentToken").withArgs(1);
      await expect(say(5, {}, 2n ** 256n - 1n)).to.be.revertedWithCustomError(scene.identity, "ERC721NonexistentToken");
    });

    it("many feedbacks: cost the same gas, the first and the last", async function () {
      this.timeout(600_000);
      const gasOf = async (client: number): Promise<bigint> => (await (await say(client, { tag1: "quality", tag2: "fast" })).wait())!.gasUsed;
      const first = await gasOf(5);
      const second = await gasOf(5);
      for (let count = 0; count < FEEDBACKS; count += 1) await say(6 + (count % 10));
      const [later, newcomer] = [await gasOf(5), await gasOf(16)];
      expect(later).to.equal(second);
      // The list of clients has its length already: no more for one who joins late.
      expect(newcomer).to.be.lessThanOrEqual(first);
      expect(first).to.be.lessThan(300_000n);
      const response = await (await as(5).appendResponse(AGENT, address(5), 1, "ipfs://response", ZeroHash)).wait();
      expect(response!.gasUsed).to.be.lessThan(150_000n);
    });
  });

  describe("revokeFeedback", () => {
    it("feedback: is taken back by who gave it, once, and can be read", async () => {
      await say(5);
      await expect(as(5).revokeFeedback(AGENT, 1)).to.emit(reputation, "FeedbackRevoked").withArgs(AGENT, address(5), 1);
      expect((await reputation.readFeedback(AGENT, address(5), 1)).isRevoked).to.equal(true);
      await expect(as(5).revokeFeedback(AGENT, 1)).to.be.revertedWith("Already revoked");
      expect(await reputation.getLastIndex(AGENT, address(5))).to.equal(1n);
    });

    it("index 0, beyond the last, and of others: is refused", async () => {
      await say(5);
      await expect(as(5).revokeFeedback(AGENT, 0)).to.be.revertedWith("index must be > 0");
      await expect(as(5).revokeFeedback(AGENT, 2)).to.be.revertedWith("index out of bounds");
      await expect(as(5).revokeFeedback(1, 1)).to.be.revertedWith("index out of bounds");
      for (const index of [OWNER, 6]) await expect(as(index).revokeFeedback(AGENT, 1)).to.be.revertedWith("index out of bounds");
      expect((await reputation.readFeedback(AGENT, address(5), 1)).isRevoked).to.equal(false);
    });
  });

  describe("appendResponse", () => {
    it("anybody: may answer, also a revoked feedback, as often as it likes", async () => {
      await say(5);
      await as(5).revokeFeedback(AGENT, 1);
      await expect(as(OWNER).appendResponse(AGENT, address(5), 1, "ipfs://r", id("r"))).to.emit(reputation, "ResponseAppended").withArgs(AGENT, address(5), 1, address(OWNER), "ipfs://r", id("r"));
      await as(OWNER).appendResponse(AGENT, address(5), 1, "ipfs://r2", ZeroHash);
      await as(7).appendResponse(AGENT, address(5), 1, "ipfs://r3", ZeroHash);
      const count = (client: string, index: number, responders: string[] = []): Promise<bigint> => reputation.getResponseCount(AGENT, client, index, responders);
      expect([await count(address(5), 1), await count(address(5), 1, [address(7)]), await count(address(5), 1, [address(8)]), await count(address(5), 2)]).to.deep.equal([3n, 1n, 0n, 0n]);
      await say(6);
      await as(7).appendResponse(AGENT, address(6), 1, "ipfs://r4", ZeroHash);
      expect([await count(address(5), 0), await count(ZeroAddress, 0), await count(ZeroAddress, 7, [address(7)])]).to.deep.equal([3n, 4n, 2n]);
      // One who is named twice is counted twice.
      expect(await count(address(5), 1, [address(7), address(7)])).to.equal(2n);
    });

    it("no URI, index 0 and beyond the last: is refused", async () => {
      await say(5);
      await expect(as(7).appendResponse(AGENT, address(5), 1, "", ZeroHash)).to.be.revertedWith("Empty URI");
      await expect(as(7).appendResponse(AGENT, address(5), 0, "ipfs://r", ZeroHash)).to.be.revertedWith("index must be > 0");
      await expect(as(7).appendResponse(AGENT, address(5), 2, "ipfs://r", ZeroHash)).to.be.revertedWith("index out of bounds");
      await expect(as(7).appendResponse(1, address(5), 1, "ipfs://r", ZeroHash)).to.be.revertedWith("index out of bounds");
    });
  });

  describe("getSummary", () => {
    it("nobody named: reverts", async () => {
      await expect(reputation.getSummary(AGENT, [], "", "")).to.be.revertedWith("clientAddresses required");
    });

    it("nothing found: is zero, also for an agent that does not exist", async () => {
      expect(await summary([5])).to.deep.equal([0n, 0n, 0n]);
      expect([...(await reputation.getSummary(7, [address(5)], "", ""))]).to.deep.equal([0n, 0n, 0n]);
    });

    it("mean: has the decimals that most have, the fewest of equals, and is rounded towards zero", async () => {
      await say(5, { value: 95 });
      await say(5, { value: 8_001, decimals: 2 });
      expect(await summary([5])).to.deep.equal([2n, 87n, 0n]);
      await say(6, { value: 7_000, decimals: 2 });
      expect(await summary([5, 6])).to.deep.equal([3n, 8_167n, 2n]);
      await say(7, { value: -5, decimals: 0 });
      await say(8, { value: -6, decimals: 0 });
      expect(await summary([7, 8])).to.deep.equal([2n, -5n, 0n]);
    });

    it("tags: pick what has both, and an empty one lets all pass", async () => {
      await say(5, { value: 10, tag1: "a", tag2: "x" });
      await say(5, { value: 20, tag1: "a", tag2: "y" });
      await say(5, { value: 60, tag1: "b", tag2: "x" });
      expect([await summary([5], "a"), await summary([5], "", "x"), await summary([5], "a", "y"), await summary([5], "x")]).to.deep.equal([[2n, 15n, 0n], [2n, 35n, 0n], [1n, 20n, 0n], [0n, 0n, 0n]]);
    });

    it("revoked feedback: does not count", async () => {
      await say(5, { value: 0 });
      await say(5, { value: 100 });
      await as(5).revokeFeedback(AGENT, 1);
      expect(await summary([5])).to.deep.equal([1n, 100n, 0n]);
    });

    it("client that is named twice: counts twice, so a reader names each once", async () => {
      await say(5, { value: 100 });
      await say(6, { value: 0 });
      expect(await summary([5, 6])).to.deep.equal([2n, 50n, 0n]);
      expect(await summary([5, 5, 5, 6])).to.deep.equal([4n, 75n, 0n]);
    });

    it("ratings of 1e38: are added without overflow, and a mean that its decimals cannot hold is the nearest value", async () => {
      for (const index of [5, 6, 7]) await say(index, { value: MOST });
      expect(await summary([5, 6, 7])).to.deep.equal([3n, MOST, 0n]);
      await say(8, { value: 1, decimals: 18 });
      await say(8, { value: 1, decimals: 18 });
      expect(await summary([5, 8])).to.deep.equal([3n, 2n ** 127n - 1n, 18n]);
      await say(9, { value: -MOST });
      expect(await summary([8, 9])).to.deep.equal([3n, -(2n ** 127n), 18n]);
      expect(await summary([5, 9])).to.deep.equal([2n, 0n, 0n]);
    });
  });

  describe("reading", () => {
    it("readFeedback: refuses index 0 and beyond the last", async () => {
      await say(5);
      await expect(reputation.readFeedback(AGENT, address(5), 0)).to.be.revertedWith("index must be > 0");
      await expect(reputation.readFeedback(AGENT, address(5), 2)).to.be.revertedWith("index out of bounds");
    });

    it("readAllFeedback: has all clients when nobody is named, and what is revoked only when asked", async () => {
      await say(5, { value: 1, tag1: "a" });
      await say(6, { value: 2, decimals: 1, tag1: "a", tag2: "x" });
      await say(5, { value: 3, tag1: "b" });
      await as(5).revokeFeedback(AGENT, 1);
      const read = async (clients: readonly number[], tag1: string, isWithRevoked: boolean) => {
        const answer = await reputation.readAllFeedback(AGENT, clients.map(address), tag1, "", isWithRevoked);
        return [...(answer[2] as bigint[])].map((value, index) => [answer.clients[index], answer.feedbackIndexes[index], value, answer.valueDecimals[index], answer.tag1s[index], answer.tag2s[index], answer.revokedStatuses[index]]);
      };
      const [first, second, third] = [[address(5), 1n, 1n, 0n, "a", "", true], [address(6), 1n, 2n, 1n, "a", "x", false], [address(5), 2n, 3n, 0n, "b", "", false]];
      expect(await read([], "", true)).to.deep.equal([first, third, second]);
      expect(await read([], "", false)).to.deep.equal([third, second]);
      expect(await read([6, 5], "a", true)).to.deep.equal([second, first]);
      expect(await read([7], "", true)).to.deep.equal([]);
    });

    it("registry: names the identities and the version that it stands for", async () => {
      expect(await reputation.getIdentityRegistry()).to.equal(await scene.identity.getAddress());
      expect(await reputation.getVersion()).to.equal("2.0.0");
    });
  });
});

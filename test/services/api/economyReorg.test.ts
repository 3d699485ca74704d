import { expect } from "chai";
import { ZeroAddress, ZeroHash } from "ethers";

import { termsStruct } from "../../../chain/bounties/BountyTerms.ts";
import { registrationDataUri, writeRegistrationFile } from "../../../chain/agents/writeRegistrationFile.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { startEmbeddedPostgres } from "../../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import { mined } from "../../builders/mined.ts";
import { startEconomyStage } from "../../builders/economyStage.ts";
import type { ApiClient, EconomyStage, Json } from "../../builders/economyStage.ts";

const GOAL = 1_000n;
const file = (name: string): string => registrationDataUri(writeRegistrationFile({ name }));

/** Everything that an API says, but for when files were fetched. */
async function everything(api: ApiClient): Promise<unknown> {
  const agents = await api.items("/v1/economy/agents?limit=200");
  const bounties = await api.items("/v1/economy/bounties?limit=200");
  const parts = [
    ...agents.map(({ agentId }) => `agents/${String(agentId)}`),
    ...agents.map(({ agentId }) => `agents/${String(agentId)}/feedback`),
    ...bounties.map((bounty) => `bounties/${String(bounty["id"])}`),
    "jobs",
  ];
  const said = await Promise.all(parts.map(async (part) => [part, (await api.get(`/v1/economy/${part}`)).body]));
  return JSON.parse(JSON.stringify(said, (key, value: unknown) => (key === "fetchedAt" ? undefined : value)));
}

describe("API: agents and bounties through reorganisations", function () {
  this.timeout(90_000);
  let stage: EconomyStage;
  let api: ApiClient;

  const agent = async (agentId: number): Promise<Json> => (await api.get(`/v1/economy/agents/${agentId}`)).body;
  const register = async (uri: string): Promise<unknown> => mined(stage.identity["register(string)"](uri));
  async function post(goal: bigint): Promise<void> {
    const owner = stage.rollup.wallet.address;
    const terms = termsStruct({
      role: "OTHER", kind: "LUMP", maxRounds: 1, unruledBps: 0, token: ZeroAddress, fundingSeconds: 100_000, goal, ceiling: goal, stake: 1n, minProvenCalls: 0n, commitSeconds: 100_000, revealSeconds: 10,
      proofOfService: ZeroAddress, awardSeconds: 10, workSeconds: 10, settleSeconds: 0, evaluator: owner, reviewSeconds: 10, disputeSeconds: 0, rulingSeconds: 0, arbiter: ZeroAddress, bidder: ZeroAddress,
      source: ZeroAddress, shares: [], sourceParams: "0x",
    });
    await mined(stage.board.post(terms, { uri: "a", hash: ZeroHash }, { uri: "b", hash: ZeroHash }, 1, { value: 1 }));
  }
  /** Replaces everything after a block by empty blocks, one more than there were. */
  async function loseAllAfter(block: number): Promise<void> {
    const head = await stage.chain.provider.getBlockNumber();
    await stage.chain.send("anvil_reorg", [head - block, []]);
    await stage.chain.send("evm_mine");
  }
  /** An index made from nothing must say the same. */
  async function expectAsFresh(place: string): Promise<void> {
    await api.settled();
    const fresh = await stage.startApi(`--data-dir=${stage.dir}/${place}`, `--database-url=${stage.databaseUrl()}`, `--database-schema=${place}`);
    await fresh.settled();
    expect(await everything(api)).to.deep.equal(await everything(fresh));
    await fresh.stop();
  }

  before(async () => {
    stage = await startEconomyStage();
    api = await stage.startApi();
    for (const name of ["Ada", "Bob", "Cy"]) await register(file(name));
    await mined(stage.identity.setMetadata(0, "colour", "0x01"));
    await mined(stage.reputation.connect(await stage.wallet(1)).giveFeedback(0, 5, 0, "a", "", "", "", ZeroHash));
    await stage.say("CallProven(uint256,address,address,uint64,uint64,uint32)", [0, stage.rollup.wallet.address, ZeroAddress], ["uint64", "uint64", "uint32"], [1, 5, 3]);
    await post(GOAL);
  });
  after(() => stage.stop());

  it("reorganisation: takes back what was changed, added and removed, and nothing else", async () => {
    const { wallet } = stage.rollup;
    await api.settled();
    const [fork, before] = [await stage.chain.provider.getBlockNumber(), await everything(api)];
    await mined(stage.identity.transferFrom(wallet.address, (await stage.wallet(2)).address, 0));
    await mined(stage.identity.setAgentURI(1, file("Bob II")));
    await mined(stage.identity.setMetadata(1, "colour", "0x02"));
    await register(file("Eve"));
    await mined(stage.reputation.connect(await stage.wallet(1)).revokeFeedback(0, 1));
    await mined(stage.reputation.connect(await stage.wallet(1)).giveFeedback(0, 6, 0, "b", "", "", "", ZeroHash));
    await stage.say("CallProven(uint256,address,address,uint64,uint64,uint32)", [0, wallet.address, ZeroAddress], ["uint64", "uint64", "uint32"], [2, 5, 3]);
    await mined(stage.board.fund(1, GOAL, { value: GOAL }));
    await post(GOAL);
    await mined(stage.escrow.createJob(ZeroAddress, wallet.address, BigInt((await stage.chain.provider.getBlock("latest"))!.timestamp + 86_400), "x", ZeroAddress, 0));
    await api.settled();
    expect(await agent(0)).to.deep.include({ owner: (await stage.wallet(2)).address.toLowerCase(), wallet: null, rawFeedback: { count: 2, revoked: 1 } });
    expect((await agent(1))["card"]).to.deep.include({ name: "Bob II" });
    expect((await api.get("/v1/economy/bounties/1")).body).to.deep.include({ phase: "COMMIT", pool: String(GOAL + 1n) });
    expect(await api.items("/v1/economy/jobs")).to.have.length(1);

    await loseAllAfter(fork);
    await api.settled();
    expect((await api.get("/v1/economy/agents/3")).status).to.equal(404);
    expect((await api.get("/v1/economy/bounties/2")).status).to.equal(404);
    expect(await everything(api)).to.deep.equal(before);
    await expectAsFresh("first");
  });

  it("reorganisation: an agent that comes back under the same id is the new one, with its own file", async () => {
    const fork = await stage.chain.provider.getBlockNumber();
    await register(file("Mallory"));
    await mined(stage.identity.setMetadata(3, "colour", "0x03"));
    await api.settled();
    expect((await agent(3))["card"]).to.deep.include({ name: "Mallory" });
    await loseAllAfter(fork);
    await register(file("Trent"));
    await post(5n);
    await api.settled();
    expect(await agent(3)).to.deep.include({ metadata: [] });
    expect((await agent(3))["card"]).to.deep.include({ name: "Trent", status: "ok" });
    expect((await api.get("/v1/economy/bounties/2")).body).to.deep.include({ pool: "1" });
    await expectAsFresh("second");
  });

  it("reorganisation while the API is away: is seen when it comes back", async () => {
    await api.settled();
    const fork = await stage.chain.provider.getBlockNumber();
    await register(file("Peggy"));
    await mined(stage.board.fund(1, GOAL, { value: GOAL }));
    await api.settled();
    await api.stop();
    await loseAllAfter(fork);
    await register(file("Victor"));
    api = await stage.startApi();
    await api.settled();
    expect((await agent(4))["card"]).to.deep.include({ name: "Victor" });
    expect((await api.get("/v1/economy/bounties/1")).body).to.deep.include({ phase: "FUNDING", pool: "1" });
  });

  it("reorganisation deeper than what is remembered: the index is made anew", async () => {
    await stage.chain.send("anvil_mine", ["0xa0"]);
    await api.settled();
    await register(file("Walter"));
    await api.settled();
    await api.stop();
    await loseAllAfter((await stage.chain.provider.getBlockNumber()) - 145);
    await register(file("Niaj"));
    api = await stage.startApi();
    await api.settled();
    expect((await agent(5))["card"]).to.deep.include({ name: "Niaj" });
    await expectAsFresh("third");
  });

  it("two APIs on one database: each block is written by one of them, also through a reorganisation, and both answer the same", async () => {
    // The server of the first one must outlive it.
    const server = await startEmbeddedPostgres({ folder: `${stage.dir}/api/postgres`, logger: silentLogger });
    const second = await stage.startApi(`--database-url=${stage.databaseUrl()}`, `--data-dir=${stage.dir}/other`);
    const fork = await stage.chain.provider.getBlockNumber();
    await register(file("Olivia"));
    await Promise.all([api.settled(), second.settled()]);
    await loseAllAfter(fork);
    await register(file("Rupert"));
    for (const each of [api, second]) await each.until("/v1/economy/agents/6", (body) => (body["card"] as Json | undefined)?.["name"] === "Rupert");
    await api.stop();
    await register(file("Sybil"));
    await second.until("/v1/economy/agents/7", (body) => (body["card"] as Json | undefined)?.["name"] === "Sybil");
    api = await stage.startApi();
    await api.settled();
    expect(await everything(second)).to.deep.equal(await everything(api));
    await second.stop();
    await server.release();
  });
});

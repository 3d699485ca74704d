import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import { id, Wallet, ZeroAddress, ZeroHash } from "ethers";

import { bidCommitment } from "../../../chain/bounties/bidCommitment.ts";
import { bountyStateFrom } from "../../../chain/bounties/BountyState.ts";
import { BOUNTY_PHASES } from "../../../chain/bounties/phaseOf.ts";
import { termsStruct } from "../../../chain/bounties/BountyTerms.ts";
import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import { registrationDataUri, writeRegistrationFile } from "../../../chain/agents/writeRegistrationFile.ts";
import { sealedSchema } from "../../builders/sealedSchema.ts";
import { mined } from "../../builders/mined.ts";
import { startEconomyStage } from "../../builders/economyStage.ts";
import type { ApiClient, EconomyStage, Json } from "../../builders/economyStage.ts";

const GOAL = 1_000_000n;
const STAKE = 1_000n;
const SALT = id("salt");

describe("API: bounties", function () {
  this.timeout(90_000);
  let stage: EconomyStage;
  let api: ApiClient;
  let poster: Wallet;
  let funder: Wallet;
  let evaluator: Wallet;
  let bidders: readonly [Wallet, Wallet];

  const terms = (change: Partial<BountyTerms> = {}): BountyTerms => ({
    role: "SEQUENCER", kind: "LUMP", maxRounds: 2, unruledBps: 0, token: ZeroAddress, fundingSeconds: 1_000, goal: GOAL, ceiling: GOAL, stake: STAKE, minProvenCalls: 0n, commitSeconds: 10_000,
    revealSeconds: 10_000, proofOfService: ZeroAddress, awardSeconds: 10_000, workSeconds: 5_000, settleSeconds: 0, evaluator: evaluator.address, reviewSeconds: 130, disputeSeconds: 0, rulingSeconds: 0,
    arbiter: ZeroAddress, bidder: ZeroAddress, source: ZeroAddress, shares: [], sourceParams: "0x", ...change,
  });
  async function post(change: Partial<BountyTerms> = {}, amount = GOAL, uri = "data:text/plain,work"): Promise<void> {
    const document = { uri, hash: id(uri) };
    await mined(stage.board.connect(poster).post(termsStruct(terms(change)), document, document, amount, { value: amount }));
  }
  /** Moves L1's clock, and everybody's idea of it. */
  async function later(seconds: number): Promise<void> {
    await stage.chain.send("evm_increaseTime", [seconds]);
    await stage.chain.send("evm_mine");
  }
  async function bid(bountyId: bigint, bidder: Wallet, agentId: bigint, price: bigint, round = 1): Promise<void> {
    const place = { chainId: BigInt(stage.chain.chainId), board: await stage.board.getAddress(), id: bountyId, round, bidder: bidder.address };
    await mined(stage.board.connect(bidder).commitBid(bountyId, bidCommitment(place, { agentId, price, salt: SALT }), { value: STAKE }));
  }
  const reveal = async (bountyId: bigint, bidder: Wallet, agentId: bigint, price: bigint): Promise<unknown> => mined(stage.board.connect(bidder).revealBid(bountyId, agentId, price, SALT));
  const detail = async (bountyId: number): Promise<Json> => (await api.get(`/v1/economy/bounties/${bountyId}`)).body;
  const idsOf = async (query: string): Promise<unknown[]> => (await api.items(`/v1/economy/bounties${query}`)).map((item) => item["id"]);

  /** What the index folded from events against what the contract stores. */
  async function expectAsOnChain(bountyId: number): Promise<Json> {
    await api.settled();
    const body = await detail(bountyId);
    const state = bountyStateFrom(await stage.board.bountyOf(bountyId));
    const phase = BOUNTY_PHASES[Number(await stage.board.phaseOf(bountyId))];
    expect(body).to.deep.include({
      poster: state.poster.toLowerCase(), pool: String(state.pool), round: state.round, part: state.part, worker: state.worker === ZeroAddress ? null : state.worker.toLowerCase(), liveBids: state.liveBids, phase,
    });
    return body;
  }

  before(async () => {
    stage = await startEconomyStage();
    const [first, second, third, fourth, fifth] = await Promise.all([1, 2, 3, 4, 5].map((place) => stage.wallet(place)));
    [poster, funder, evaluator, bidders] = [first!, second!, third!, [fourth!, fifth!]];
    for (const bidder of bidders) await mined(stage.identity.connect(bidder)["register()"]());
    api = await stage.startApi();
  });
  after(() => stage.stop());

  it("funding: crowd money, goal, and the phases of bidding are those of the contract", async () => {
    await post({}, 400_000n);
    expect(await expectAsOnChain(1)).to.deep.include({ phase: "FUNDING", contributed: "400000", intent: { uri: "data:text/plain,work", hash: id("data:text/plain,work") } });
    await mined(stage.board.connect(funder).fund(1, 700_000n, { value: 700_000n }));
    const body = await expectAsOnChain(1);
    expect(body["phase"]).to.equal("COMMIT");
    expect((body["contributions"] as Json[]).map(({ funder: who, amount }) => [who, amount])).to.deep.equal([[funder.address.toLowerCase(), "700000"], [poster.address.toLowerCase(), "400000"]]);
    expect(body["terms"]).to.deep.equal(JSON.parse(JSON.stringify(terms(), (_key, value: unknown) => (typeof value === "bigint" ? String(value) : typeof value === "string" && value.startsWith("0x") ? value.toLowerCase() : value))));
  });

  it("bids: are hidden, then shown, the lowest first; award hires, and the job is there", async () => {
    await bid(1n, bidders[0], 0n, 900_000n);
    await bid(1n, bidders[1], 1n, 800_000n);
    expect(((await expectAsOnChain(1))["bids"] as Json[]).map(({ status, price }) => [status, price])).to.deep.equal([["committed", null], ["committed", null]]);
    await later(10_000);
    expect((await expectAsOnChain(1))["phase"]).to.equal("REVEAL");
    await reveal(1n, bidders[0], 0n, 900_000n);
    await reveal(1n, bidders[1], 1n, 800_000n);
    expect(((await expectAsOnChain(1))["bids"] as Json[]).map(({ bidder, agentId }) => [bidder, agentId])).to.deep.equal([[bidders[1].address.toLowerCase(), "1"], [bidders[0].address.toLowerCase(), "0"]]);
    await later(10_000);
    await mined(stage.board.connect(poster).award(1, bidders[1].address));
    const body = await expectAsOnChain(1);
    expect(body).to.deep.include({ phase: "ENGAGED", agentId: "1", price: "800000", jobId: "1" });
    expect((body["jobs"] as Json[])[0]).to.deep.include({ jobId: "1", status: "Funded", budget: "800000", provider: bidders[1].address.toLowerCase(), evaluator: evaluator.address.toLowerCase(), part: 0 });
  });

  it("failure: loses the stake, and the next bid takes over; the job's end is followed to the last refund", async () => {
    await mined(stage.escrow.connect(evaluator).reject(1, ZeroHash, "0x"));
    await mined(stage.board.advance(1));
    const failed = await expectAsOnChain(1);
    expect(failed).to.deep.include({ phase: "AWARD", failures: 1, round: 2, agentId: null, jobId: null, paid: "0" });
    expect((failed["bids"] as Json[]).map(({ status }) => status)).to.deep.equal(["failed", "revealed"]);
    await later(10_001);
    expect((await expectAsOnChain(1))["phase"]).to.equal("FALLBACK");
    await mined(stage.board.awardBest(1));
    const { jobId } = await expectAsOnChain(1);
    await mined(stage.escrow.connect(bidders[0]).submit(BigInt(String(jobId)), id("deliverable"), "0x"));
    await api.settled();
    expect((await api.get(`/v1/economy/jobs/${String(jobId)}`)).body).to.deep.include({ status: "Submitted", deliverable: id("deliverable") });
    await mined(stage.escrow.connect(evaluator).complete(BigInt(String(jobId)), ZeroHash, "0x"));
    await mined(stage.board.advance(1));
    const done = await expectAsOnChain(1);
    expect(done).to.deep.include({ phase: "CLOSED", paid: "900000", phaseEndsAt: null });
    await mined(stage.board.refund(1, funder.address));
    const refunded = await expectAsOnChain(1);
    expect(BigInt(String((refunded["contributions"] as Json[])[0]?.["refunded"])) > 0n).to.equal(true);
    expect((refunded["history"] as Json[]).map(({ name }) => name).reverse()).to.deep.equal([
      "BountyPosted", "Funded", "Funded", "RoundStarted", "BidCommitted", "BidCommitted", "BidRevealed", "BidRanked", "BidRevealed", "BidRanked", "Awarded", "PartStarted", "PartEnded", "Failed", "RoundStarted",
      "Awarded", "PartStarted", "PartEnded", "Finished", "Closed", "Refunded",
    ]);
    expect((await api.get(`/v1/economy/jobs/${String(jobId)}`)).body).to.deep.include({ status: "Completed", paid: "900000", deadline: null });
  });

  it("milestones and withdrawn bids: parts are counted, and what is withdrawn or forfeited is told", async () => {
    await post({ kind: "MILESTONES", shares: [4_000, 6_000], role: "BRIDGE" });
    await bid(2n, bidders[0], 0n, 500_000n);
    await bid(2n, bidders[1], 1n, 600_000n);
    const third = await stage.wallet(9);
    await mined(stage.identity.connect(third)["register()"]());
    await bid(2n, third, 2n, 700_000n);
    await later(10_000);
    await reveal(2n, bidders[0], 0n, 500_000n);
    await reveal(2n, bidders[1], 1n, 600_000n);
    await later(10_000);
    await mined(stage.board.withdrawBid(2, third.address));
    await mined(stage.board.connect(bidders[1]).withdrawBid(2, bidders[1].address));
    await mined(stage.board.connect(poster).award(2, bidders[0].address));
    const { jobId } = await expectAsOnChain(2);
    await mined(stage.escrow.connect(bidders[0]).submit(BigInt(String(jobId)), id("part 1"), "0x"));
    await mined(stage.escrow.connect(evaluator).complete(BigInt(String(jobId)), ZeroHash, "0x"));
    await mined(stage.board.advance(2));
    const body = await expectAsOnChain(2);
    expect(body).to.deep.include({ part: 1, paid: "200000", phase: "ENGAGED" });
    expect((body["bids"] as Json[]).map(({ status }) => status)).to.deep.equal(["awarded", "withdrawn", "forfeited"]);
    expect((body["jobs"] as Json[]).map(({ status, budget }) => [status, budget])).to.deep.equal([["Completed", "200000"], ["Funded", "300000"]]);
  });

  it("list: is filtered by role, phase, token, pool, poster and worker, page by page", async () => {
    await post({ role: "RPC_PROVIDER" }, 5n, "\u202e<b>work</b>\u0000");
    await post({ role: "VALIDATOR", bidder: bidders[0].address, commitSeconds: 0, revealSeconds: 0 });
    await api.settled();
    expect(await idsOf("")).to.deep.equal(["4", "3", "2", "1"]);
    expect(await idsOf("?role=BRIDGE")).to.deep.equal(["2"]);
    for (const [phase, ids] of [["FUNDING", ["3"]], ["AWARD", ["4"]], ["ENGAGED", ["2"]], ["CLOSED", ["1"]], ["COMMIT", []], ["LAPSED", []]] as const) expect(await idsOf(`?phase=${phase}`), phase).to.deep.equal(ids);
    expect(await idsOf(`?worker=${bidders[0].address}`)).to.deep.equal(["2"]);
    expect(await idsOf("?minPool=1000000")).to.deep.equal(["4"]);
    expect(await idsOf(`?token=${evaluator.address}`)).to.deep.equal([]);
    const page = (await api.get(`/v1/economy/bounties?limit=3&poster=${poster.address}&token=${ZeroAddress}`)).body;
    expect(await idsOf(`?limit=3&cursor=${String(page["next"])}`)).to.deep.equal(["1"]);
    expect((await detail(3))["intent"]).to.deep.include({ uri: "<b>work</b>" });
    expect((await api.items(`/v1/economy/jobs?provider=${bidders[0].address}&status=Funded`)).map(({ providerAgentId }) => providerAgentId)).to.deep.equal(["0"]);
    await later(1_001);
    await api.settled();
    expect(await idsOf("?phase=LAPSED")).to.deep.equal(["3"]);
    for (const query of ["bounties/9", "jobs/99"]) expect((await api.get(`/v1/economy/${query}`)).status).to.equal(404);
    for (const query of ["bounties?phase=x", "bounties?limit=0", "bounties/x", "jobs?status=open", "bounties?minPool=-1"]) expect((await api.get(`/v1/economy/${query}`)).status, query).to.equal(400);
  });

  it("OpenAPI: names every route of the economy, and real answers have just the fields that it names", async () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    const { paths } = (await api.get("/openapi.json")).body as { paths: Record<string, { get: { responses: Record<string, { content: Record<string, { schema: Json }> }> } }> };
    const known = Object.keys(paths).filter((path) => path.startsWith("/v1/economy/"));
    expect(known).to.have.length(8);
    await mined(stage.reputation.connect(poster).giveFeedback(0, 1, 0, "a", "", "", "", ZeroHash));
    await mined(stage.identity.connect(bidders[0]).setAgentURI(0, registrationDataUri(writeRegistrationFile({ name: "Ada", services: [{ name: "web", endpoint: "x", version: undefined }] }))));
    await api.settled();
    for (const path of known) {
      const asked = path.replace("{agentId}", "0").replace(/\{\w+\}/, "1");
      const { status, body } = await api.get(asked);
      expect(status, asked).to.equal(200);
      if (body["items"] !== undefined) expect((body["items"] as Json[]).length, asked).to.be.greaterThan(0);
      const validate = ajv.compile(sealedSchema(paths[path]?.get.responses["200"]?.content["application/json"]?.schema) as Json);
      expect(validate(body), `${asked}: ${ajv.errorsText(validate.errors)}`).to.equal(true);
    }
  });

  it("direct award and closing: are followed", async () => {
    await mined(stage.board.connect(bidders[0]).take(4, 0, { value: STAKE }));
    expect(await expectAsOnChain(4)).to.deep.include({ phase: "ENGAGED", agentId: "0", price: String(GOAL) });
    await mined(stage.board.connect(poster).close(3));
    await expectAsOnChain(3);
  });
});

import { readFileSync } from "node:fs";

import { expect } from "chai";
import { ZeroAddress, ZeroHash, id as hashOf } from "ethers";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";

import { bidCommitment } from "../../../chain/bounties/bidCommitment.ts";
import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import { termsStruct } from "../../../chain/bounties/BountyTerms.ts";
import { requiredStake } from "../../../chain/bounties/workCost.ts";
import type { BountyBoard, JobEscrow } from "../../../typechain-types/index.ts";
import { PROOF_FEE_WEI, createServiceScene } from "../../builders/serviceScene.ts";
import type { ProvenState, ServiceScene } from "../../builders/serviceScene.ts";

/** Two accounts of one washer: Bea's serves agent 0, Cal's pays for its calls. */
const [BEA, CAL] = [1, 2] as const;
const [POSTER, EVALUATOR] = [5, 6] as const;
const CALLS = 3;
const AGENT = 0n;
const PART_WEI = 500_000_000n;
const CEILING = 2n * PART_WEI;
const [COMMIT, REVEAL, AWARD, WORK, REVIEW] = [100, 100, 100, 500, 100] as const;
const SALT = hashOf("salt");
const DOCUMENT = { uri: "data:text/plain,work", hash: ZeroHash };

describe("wash trading", () => {
  let scene: ServiceScene;
  let board: BountyBoard;
  let escrow: JobEscrow;
  let state: ProvenState;
  /** Wei that the washer's accounts paid for gas: left out of what it has, so that the limits are exact. */
  let gasWei = 0n;

  const signer = (index: number) => scene.l1.signers[index]!;
  const address = (index: number): string => signer(index).address;
  const pass = (seconds: number): Promise<number> => scene.l1.networkHelpers.time.increase(seconds);
  async function send(call: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
    const receipt = (await (await call).wait())!;
    if ([BEA, CAL].some((index) => address(index) === receipt.from)) gasWei += receipt.gasUsed * receipt.gasPrice;
    return receipt;
  }
  async function wealth(): Promise<bigint> {
    const held = await Promise.all([BEA, CAL].map((index) => scene.l1.ethers.provider.getBalance(address(index))));
    return held.reduce((sum, each) => sum + each, gasWei);
  }

  before(async () => {
    scene = await createServiceScene();
    const { ethers } = scene.l1;
    escrow = (await ethers.deployContract("JobEscrow", [address(0), 0, address(0)])) as unknown as JobEscrow;
    board = (await ethers.deployContract("BountyBoard", [await escrow.getAddress(), await scene.identity.getAddress(), address(0), 0, address(0)])) as unknown as BountyBoard;
    await scene.identity.connect(signer(BEA))["register()"]();
    const calls = Array.from({ length: CALLS }, () => ({ requester: CAL, provider: BEA }));
    state = await scene.confirm({ [BEA]: { owner: address(BEA), agentId: AGENT }, [CAL]: { owner: address(CAL) } }, Object.fromEntries(calls.entries()));
    await scene.keep();
  });
  beforeEach(async () => {
    await scene.restore();
    gasWei = 0n;
  });
  after(() => scene.close());

  /** Two parts, judged by an evaluator whose silence pays; nobody to appeal to. */
  const terms = async (stake: bigint): Promise<BountyTerms> => ({
    role: "OTHER", kind: "MILESTONES", maxRounds: 1, unruledBps: 0, token: ZeroAddress, fundingSeconds: 1_000, goal: CEILING, ceiling: CEILING, stake,
    minProvenCalls: BigInt(CALLS), proofOfService: await scene.proofs.getAddress(), commitSeconds: COMMIT, revealSeconds: REVEAL, awardSeconds: AWARD,
    workSeconds: WORK, settleSeconds: 0, evaluator: address(EVALUATOR), reviewSeconds: REVIEW, disputeSeconds: 0, rulingSeconds: 0, arbiter: ZeroAddress,
    bidder: ZeroAddress, source: ZeroAddress, shares: [5_000, 5_000], sourceParams: "0x",
  });
  const limit = async (): Promise<bigint> => requiredStake(await terms(0n));

  /** The washer buys its way in: calls between its own accounts, proven at the fee. */
  async function wash(from = 0, to = CALLS): Promise<void> {
    for (let call = from; call < to; call += 1) {
      await send(scene.proofs.connect(signer(BEA)).prove(state.claimId, state.receipt(call), state.account(CAL), state.account(BEA), { value: PROOF_FEE_WEI }));
    }
  }
  /** A bounty at that stake, and the washer's bid at the ceiling, ready to be revealed. */
  async function bid(stake: bigint): Promise<bigint> {
    await send(board.connect(signer(POSTER)).post(termsStruct(await terms(stake)), DOCUMENT, DOCUMENT, CEILING, { value: CEILING }));
    const id = await board.bountyCount();
    const { chainId } = await scene.l1.ethers.provider.getNetwork();
    const place = { chainId, board: await board.getAddress(), id, round: 1, bidder: address(BEA) };
    await send(board.connect(signer(BEA)).commitBid(id, bidCommitment(place, { agentId: AGENT, price: CEILING, salt: SALT }), { value: stake }));
    await pass(COMMIT);
    return id;
  }
  const reveal = (id: bigint) => board.connect(signer(BEA)).revealBid(id, AGENT, CEILING, SALT);
  /** Worthless work for both parts: the evaluator sleeps over the first and wakes up at the second. The washer reports itself. */
  async function cheat(stake: bigint): Promise<void> {
    const id = await bid(stake);
    const [mine, hers] = [board.connect(signer(BEA)), escrow.connect(signer(BEA))];
    await send(reveal(id));
    await pass(REVEAL + AWARD);
    await send(mine.awardBest(id));
    const submit = async (): Promise<bigint> => {
      const { jobId } = await board.bountyOf(id);
      await send(hers.submit(jobId, ZeroHash, "0x"));
      return jobId;
    };
    const first = await submit();
    await pass(REVIEW + 1);
    await send(hers.completeSilent(first));
    await send(mine.advance(id));
    const second = await submit();
    await send(escrow.connect(signer(EVALUATOR)).reject(second, ZeroHash, "0x"));
    await send(mine.advance(id));
    await send(hers.withdraw(ZeroAddress, address(BEA)));
    await send(mine.withdraw(ZeroAddress, address(BEA)));
  }

  it("agent without proven calls: is not admitted, and one call short neither", async () => {
    const id = await bid(await limit());
    const refused = (calls: number) => expect(reveal(id)).to.be.revertedWithCustomError(board, "TooFewProvenCalls").withArgs(AGENT, calls, CALLS);
    await refused(0);
    await wash(0, CALLS - 1);
    await refused(CALLS - 1);
    await wash(CALLS - 1, CALLS);
    await send(reveal(id));
  });

  it("washer that slips through once and is caught once: has less than before at the required stake, by its proofs' fees at least", async () => {
    const before = await wealth();
    await wash();
    await cheat(await limit());
    expect(before - (await wealth()) >= BigInt(CALLS) * PROOF_FEE_WEI).to.equal(true);
    expect(await scene.l1.ethers.provider.getBalance(await scene.proofs.getAddress())).to.equal(BigInt(CALLS) * PROOF_FEE_WEI);
  });

  it("required stake: is the break-even once the proofs are paid for, to ten wei", async () => {
    await wash();
    const paid = await wealth();
    await cheat(await limit());
    const atLimit = (await wealth()) - paid;
    expect(atLimit <= 0n && atLimit > -10n, `${atLimit} at the limit`).to.equal(true);
    const between = await wealth();
    await cheat((await limit()) - 10n);
    expect((await wealth()) - between > 0n).to.equal(true);
  });

  it("proofs: do not replace the stake, since they are paid for once and serve again", async () => {
    await wash();
    const paid = await wealth();
    const low = (await limit()) - BigInt(CALLS) * PROOF_FEE_WEI;
    await cheat(low);
    await cheat(low);
    expect((await wealth()) - paid > BigInt(CALLS) * PROOF_FEE_WEI).to.equal(true);
  });

  it("page: reckons with the fee that chains are deployed with, and the gas that was measured", () => {
    const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
    const { proofFeeWei } = JSON.parse(read("deploy/parameters/default.json")) as { proofFeeWei: string };
    const { service } = JSON.parse(read("snapshots/gas.json")) as { service: Record<string, number> };
    const gas = [service["ProofOfService.prove (two receipts, two accounts)"], service["ProofOfService.prove (no sibling zero)"]] as [number, number];
    const page = read("docs/BOUNTIES.md");
    expect(page).to.include("10¹⁴ wei by default").and.to.include(`${gas[0].toLocaleString("en")} on a chain with a few accounts, at most ${gas[1].toLocaleString("en")}`);
    expect(proofFeeWei).to.equal(String(10n ** 14n));
    const etherOf = (each: number): string => (10 * (Number(proofFeeWei) + each * 1e9) * 1e-18).toFixed(4);
    expect(page).to.include(`At 1 gwei ten calls cost ${etherOf(gas[0])} to ${etherOf(gas[1])} ETH`);
  });
});

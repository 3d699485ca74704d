import { expect } from "chai";
import { Contract, Interface, ZeroAddress, id } from "ethers";
import type { ContractTransactionResponse, Signer } from "ethers";

import { DAY, JobScene, STATUS, WORK, errorOf } from "../../builders/jobScene.ts";

/** ERC-8183 as its base contracts have it, and nothing of ours. */
const ERC_8183 = [
  "function createJob(address provider, address evaluator, uint256 expiredAt, string description, address hook, uint256 providerAgentId) returns (uint256 jobId)",
  "function setProvider(uint256 jobId, address provider, uint256 agentId)",
  "function setBudget(uint256 jobId, address token, uint256 amount, bytes optParams)",
  "function fund(uint256 jobId, uint256 expectedBudget, bytes optParams)",
  "function submit(uint256 jobId, bytes32 deliverable, bytes optParams)",
  "function complete(uint256 jobId, bytes32 reason, bytes optParams)",
  "function reject(uint256 jobId, bytes32 reason, bytes optParams)",
  "function claimRefund(uint256 jobId)",
  "event JobCreated(uint256 indexed jobId, address indexed client, address indexed provider, address evaluator, uint256 expiredAt, address hook)",
  "event ProviderSet(uint256 indexed jobId, address indexed provider, uint256 agentId)",
  "event BudgetSet(uint256 indexed jobId, address indexed token, uint256 amount)",
  "event JobFunded(uint256 indexed jobId, address indexed client, uint256 amount)",
  "event JobSubmitted(uint256 indexed jobId, address indexed provider, bytes32 deliverable)",
  "event JobCompleted(uint256 indexed jobId, address indexed evaluator, bytes32 reason)",
  "event JobRejected(uint256 indexed jobId, address indexed rejector, bytes32 reason)",
  "event JobExpired(uint256 indexed jobId)",
  "event PaymentReleased(uint256 indexed jobId, address indexed provider, uint256 amount)",
  "event Refunded(uint256 indexed jobId, address indexed client, uint256 amount)",
];
const [DELIVERABLE, REASON] = [id("a deliverable"), id("a reason")];
const BUDGET = 40_000n;

describe("JobEscrow for a client that knows ERC-8183 only", () => {
  const abi = new Interface(ERC_8183);
  let scene: JobScene;
  let token: string;
  before(async () => {
    scene = await JobScene.start();
    ({ address: token } = await scene.token());
  });
  after(() => scene.stop());

  const job = (role: "client" | "provider" | "evaluator" | "stranger") => new Contract(scene.address, abi, scene.signer(role) as unknown as Signer);

  /** Calls a function and returns the events that the client understands, in order. */
  async function events(role: Parameters<typeof job>[0], name: string, ...args: readonly unknown[]): Promise<[string, ...unknown[]][]> {
    const receipt = await ((await job(role).getFunction(name)(...args)) as ContractTransactionResponse).wait();
    return receipt!.logs.flatMap((log) => {
      const event = log.address === scene.address ? abi.parseLog(log) : null;
      return event === null ? [] : [[event.name, ...(event.args.toArray() as unknown[])] as [string, ...unknown[]]];
    });
  }

  async function create(provider: string): Promise<{ readonly jobId: bigint; readonly expiredAt: bigint }> {
    const expiredAt = BigInt((await scene.now()) + WORK);
    const created = await events("client", "createJob", provider, scene.of("evaluator"), expiredAt, "draw a lighthouse", ZeroAddress, 0n);
    const jobId = created[0]![1] as bigint;
    expect(created).to.deep.equal([["JobCreated", jobId, scene.of("client"), provider, scene.of("evaluator"), expiredAt, ZeroAddress]]);
    return { jobId, expiredAt };
  }

  async function funded(): Promise<{ readonly jobId: bigint; readonly expiredAt: bigint }> {
    const made = await create(scene.of("provider"));
    await events("client", "setBudget", made.jobId, token, BUDGET, "0x");
    await events("client", "fund", made.jobId, BUDGET, "0x");
    return made;
  }

  it("a whole life: created, given a provider, budgeted, funded, submitted, completed", async () => {
    const { jobId } = await create(ZeroAddress);
    expect(await events("client", "setProvider", jobId, scene.of("provider"), 0n)).to.deep.equal([["ProviderSet", jobId, scene.of("provider"), 0n]]);
    expect(await events("provider", "setBudget", jobId, token, 2n * BUDGET, "0x")).to.deep.equal([["BudgetSet", jobId, token, 2n * BUDGET]]);
    expect(await events("client", "setBudget", jobId, token, BUDGET, "0x")).to.deep.equal([["BudgetSet", jobId, token, BUDGET]]);
    expect(await events("client", "fund", jobId, BUDGET, "0x")).to.deep.equal([["JobFunded", jobId, scene.of("client"), BUDGET]]);
    expect(await events("provider", "submit", jobId, DELIVERABLE, "0x1234")).to.deep.equal([["JobSubmitted", jobId, scene.of("provider"), DELIVERABLE]]);
    expect(await events("evaluator", "complete", jobId, REASON, "0x")).to.deep.equal([
      ["JobCompleted", jobId, scene.of("evaluator"), REASON],
      ["PaymentReleased", jobId, scene.of("provider"), (BUDGET * 9_750n) / 10_000n],
    ]);
    expect(await scene.escrow.statusOf(jobId)).to.equal(STATUS.Completed);
  });

  it("rejected while open by the client, while funded and after the work by the evaluator", async () => {
    const { jobId } = await create(scene.of("provider"));
    expect(await events("client", "reject", jobId, REASON, "0x")).to.deep.equal([["JobRejected", jobId, scene.of("client"), REASON]]);
    for (const isSubmitted of [false, true]) {
      const made = await funded();
      if (isSubmitted) await events("provider", "submit", made.jobId, DELIVERABLE, "0x");
      expect(await events("evaluator", "reject", made.jobId, REASON, "0x")).to.deep.equal([
        ["JobRejected", made.jobId, scene.of("evaluator"), REASON],
        ["Refunded", made.jobId, scene.of("client"), BUDGET],
      ]);
    }
  });

  it("expired: the refund is asked for by anyone, and goes to the client", async () => {
    const { jobId, expiredAt } = await funded();
    expect(await errorOf(job("stranger").getFunction("claimRefund")(jobId))).to.not.equal("none");
    await scene.pass(expiredAt);
    expect(await events("stranger", "claimRefund", jobId)).to.deep.equal([["JobExpired", jobId], ["Refunded", jobId, scene.of("client"), BUDGET]]);
    expect(await scene.escrow.statusOf(jobId)).to.equal(STATUS.Expired);
  });

  it("disputed: the client sees the rejection, or the completion, when it is final", async () => {
    const contested = await scene.contested({ token });
    await scene.pass((await scene.now()) + 3 * DAY);
    const last = await (await scene.as("stranger").settleRejected(contested)).wait();
    const names = last!.logs.flatMap((log) => abi.parseLog(log)?.name ?? []);
    expect(names).to.deep.equal(["JobRejected", "Refunded"]);
  });
});

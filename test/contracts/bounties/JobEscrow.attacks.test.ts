import { expect } from "chai";
import { AbiCoder, ZeroAddress, id, keccak256, toUtf8Bytes } from "ethers";

import type { FreezingToken, HostileHook, HostileToken, JobEscrow, ReentrantToken } from "../../../typechain-types/index.ts";
import { DELIVERABLE, JobScene, REASON, SPEC_HASH, STATUS, WORK, errorOf, mined } from "../../builders/jobScene.ts";
import type { JobOptions } from "../../builders/jobScene.ts";

const BUDGET = 10_000n;
const GUARDED = id("ReentrancyGuardReentrantCall()").slice(0, 10);
/** HostileHook's ways. */
const HOOK = { Good: 0n, Reverts: 1n, BurnsGas: 2n, ReturnsBomb: 3n, RevertsBomb: 4n } as const;

describe("JobEscrow under attack", () => {
  let scene: JobScene;
  let escrow: JobEscrow;
  let restore: () => Promise<void>;

  before(async () => {
    scene = await JobScene.start();
    escrow = scene.escrow;
    restore = await scene.mark();
  });
  afterEach(() => restore());
  after(() => scene.stop());

  const statusOf = async (jobId: bigint): Promise<bigint> => (await escrow.jobOf(jobId)).status;

  describe("money of others", () => {
    it("unfunded refund: a job with a budget and no money pays nothing from another's escrow", async () => {
      await scene.funded();
      const open = await scene.open();
      await scene.pass((await scene.now()) + WORK + 1);
      for (const role of ["client", "provider", "stranger"] as const) expect(await errorOf(scene.as(role).claimRefund(open))).to.equal("WrongStatus");
      await scene.as("client").reject(open, REASON, "0x");
      expect(await errorOf(scene.as("client").claimRefund(open))).to.equal("WrongStatus");
      expect([await scene.credits(), await escrow.owed(ZeroAddress)]).to.deep.equal([{}, BUDGET]);
    });

    it("a job in a token of the attacker's own: gets at no other token", async () => {
      const { address: good } = await scene.token();
      const { address: bad, contract } = await scene.token<FreezingToken>("FreezingToken");
      const [honest, hostile] = [await scene.submitted({ token: good }), await scene.submitted({ token: bad })];
      await contract.setPercent(1n);
      for (const jobId of [honest, hostile]) await scene.as("evaluator").complete(jobId, REASON, "0x");
      expect(await scene.as("provider").withdraw.staticCall(good, scene.of("provider"))).to.equal(9_750n);
      expect(await scene.as("provider").withdraw.staticCall(bad, scene.of("provider"))).to.equal(97n);
    });

    it("ETH: is taken for jobs in ETH only, and exactly", async () => {
      const { address: token } = await scene.token();
      const jobId = await scene.open({ token });
      const fund = (value: bigint) => scene.as("client").fund(jobId, BUDGET, scene.encode(scene.terms({ token })), { value });
      expect(await errorOf(fund(BUDGET))).to.equal("WrongValue");
      await fund(0n);
      const inEther = await scene.open();
      for (const value of [0n, BUDGET - 1n, BUDGET + 1n]) {
        expect(await errorOf(scene.as("client").fund(inEther, BUDGET, scene.encode(scene.terms()), { value }))).to.equal("WrongValue");
      }
    });

    it("a dispute: only one, so that a bond buys one delay at most", async () => {
      const jobId = await scene.disputed();
      for (const role of ["client", "provider", "stranger"] as const) expect(await errorOf(scene.as(role).dispute(jobId, { value: 500n }))).to.equal("WrongStatus");
      await scene.pass(await scene.deadline(jobId));
      await scene.as("stranger").settleUnruled(jobId);
      expect(await errorOf(scene.as("provider").dispute(jobId, { value: 500n }))).to.equal("WrongStatus");
    });
  });

  describe("between offer and funding", () => {
    it("token swapped: the client pays in the token that it named, or not at all", async () => {
      const { address: named } = await scene.token();
      const { address: swapped } = await scene.token();
      const jobId = await scene.open({ token: named });
      await scene.as("provider").setBudget(jobId, swapped, BUDGET, "0x");
      expect(await errorOf(scene.fund(jobId, { token: named }))).to.equal("WrongToken");
      expect(await errorOf(scene.as("client").fund(jobId, BUDGET, "0x"))).to.equal("TermsMissing");
      await scene.as("client").setBudget(jobId, named, BUDGET, "0x");
      await scene.as("client").fund(jobId, BUDGET, "0x");
      expect([await escrow.owed(named), await escrow.owed(swapped)]).to.deep.equal([BUDGET, 0n]);
    });

    it("budget raised: the client pays what it expected, or not at all", async () => {
      const jobId = await scene.open();
      await scene.as("provider").setBudget(jobId, ZeroAddress, 2n * BUDGET, "0x");
      const fund = scene.as("client").fund(jobId, BUDGET, scene.encode(scene.terms()), { value: BUDGET });
      expect(await errorOf(fund)).to.equal("WrongBudget");
    });

    it("token swapped by the hook while the job is funded: meets the guard", async () => {
      const hook = await scene.hook();
      const hookAt = await hook.getAddress();
      await scene.as("client").createJob(hookAt, scene.of("evaluator"), (await scene.now()) + WORK, "", hookAt, 0n);
      await scene.as("client").setBudget(1n, ZeroAddress, BUDGET, "0x");
      await hook.setCall(scene.address, escrow.interface.encodeFunctionData("setBudget", [1n, await hook.getAddress(), 1n, "0x"]));
      await scene.fund(1n);
      expect([await hook.lastRevert(), await escrow.owed(ZeroAddress)]).to.deep.equal([GUARDED, BUDGET]);
    });

    it("fee raised after funding: the job keeps the fee and its recipient", async () => {
      const jobId = await scene.submitted();
      await scene.as("owner").setFee(500n, scene.of("owner"));
      await scene.as("evaluator").complete(jobId, REASON, "0x");
      expect(await scene.credits()).to.deep.equal({ provider: 9_750n, treasury: 250n });
      const later = await scene.submitted();
      await scene.as("evaluator").complete(later, REASON, "0x");
      expect(await scene.credits()).to.deep.equal({ owner: 500n, provider: 19_250n, treasury: 250n });
    });

    it("terms: nobody changes them once the money is in", async () => {
      const jobId = await scene.funded();
      const before = [...(await escrow.jobOf(jobId))];
      for (const role of ["client", "provider", "evaluator", "arbiter", "owner"] as const) {
        for (const call of [
          scene.as(role).setBudget(jobId, ZeroAddress, 1n, "0x"), scene.as(role).setProvider(jobId, scene.of("second"), 1n),
          scene.as(role).fund(jobId, BUDGET, scene.encode(scene.terms()), { value: BUDGET }),
        ]) expect(await errorOf(call)).to.equal("WrongStatus");
      }
      expect([...(await escrow.jobOf(jobId))]).to.deep.equal(before);
    });
  });

  describe("who judges", () => {
    it("evaluator = client: cannot keep the money of work that it rejects, if there is an arbiter", async () => {
      const jobId = await scene.submitted({ evaluator: scene.of("client") });
      await scene.as("client").reject(jobId, REASON, "0x");
      await scene.as("provider").dispute(jobId, { value: 500n });
      await scene.as("arbiter").rule(jobId, 10_000n);
      expect(await scene.credits()).to.deep.equal({ provider: 10_250n, treasury: 250n });
    });

    it("evaluator = client, silent: the provider is paid by time alone", async () => {
      const jobId = await scene.submitted({ evaluator: scene.of("client"), terms: { arbiter: ZeroAddress } });
      await scene.pass(await scene.deadline(jobId));
      await scene.as("provider").completeSilent(jobId);
      expect(await scene.credits()).to.deep.equal({ provider: 9_750n, treasury: 250n });
    });

    it("provider = evaluator: is refused wherever either is named", async () => {
      const [provider, evaluator] = [scene.of("provider"), scene.of("evaluator")];
      const expiredAt = (await scene.now()) + WORK;
      expect(await errorOf(scene.as("client").createJob(provider, provider, expiredAt, "", ZeroAddress, 0n))).to.equal("BadParty");
      const jobId = await scene.open({ provider: ZeroAddress });
      expect(await errorOf(scene.as("client").setProvider(jobId, evaluator, 0n))).to.equal("BadParty");
      const opening = { provider, evaluator: provider, expiredAt, providerAgentId: 0n, budget: 0n, feeVersion: 0n };
      expect(await errorOf(scene.as("client").openFunded(opening, scene.terms(), ""))).to.equal("BadParty");
    });

    it("silent evaluator and silent arbiter: the job ends by anyone's calls", async () => {
      const jobId = await scene.disputed({ terms: { unruledBps: 2_500 } });
      await scene.pass(await scene.deadline(jobId));
      expect(await errorOf(scene.as("arbiter").rule(jobId, 0n))).to.equal("TooLate");
      await scene.as("stranger").settleUnruled(jobId);
      expect(await statusOf(jobId)).to.equal(STATUS.Rejected);
    });

    it("a ruling of more than everything: is refused", async () => {
      const jobId = await scene.disputed();
      for (const bps of [10_001n, 65_535n]) expect(await errorOf(scene.as("arbiter").rule(jobId, bps))).to.equal("BadBps");
    });

    it("a verifier: decides by its answer only, whatever else the contract can do", async () => {
      const verifier = await scene.verifier();
      const options: JobOptions = { evaluator: await verifier.getAddress(), terms: { isVerified: true, arbiter: ZeroAddress, specHash: SPEC_HASH } };
      const jobId = await scene.submitted(options);
      const of = escrow.interface;
      for (const data of [of.encodeFunctionData("complete", [jobId, REASON, "0x"]), of.encodeFunctionData("reject", [jobId, REASON, "0x"])]) {
        expect(await errorOf(verifier.execute(scene.address, data))).to.equal("VerifierDecides");
      }
      expect(await errorOf(scene.as("client").dispute(jobId, { value: 500n }))).to.equal("NoArbiter");
      await scene.pass((await scene.now()) + 2 * WORK);
      expect(await errorOf(scene.as("provider").completeSilent(jobId))).to.equal("VerifierDecides");
      expect(await errorOf(scene.as("provider").completeVerified(jobId, toUtf8Bytes("not that")))).to.equal("NotVerified");
      // It reverts.
      expect(await errorOf(scene.as("provider").completeVerified(jobId, "0x"))).to.not.equal("none");
      await scene.as("stranger").claimRefund(jobId);
      expect(await scene.credits()).to.deep.equal({ client: BUDGET });
    });

    it("a verifier that was given another specification: says no", async () => {
      const verifier = await scene.verifier(id("another specification"));
      const jobId = await scene.submitted({ evaluator: await verifier.getAddress(), terms: { isVerified: true, arbiter: ZeroAddress, specHash: SPEC_HASH } });
      expect(await errorOf(scene.as("provider").completeVerified(jobId, toUtf8Bytes("the work")))).to.equal("NotVerified");
    });

    it("an evaluator that is no verifier: is not asked as one", async () => {
      const jobId = await scene.submitted();
      expect(await errorOf(scene.as("provider").completeVerified(jobId, "0x"))).to.equal("BadVerifier");
    });

    it("agent id 0: is an agent like any other", async () => {
      const named = await scene.open({ agentId: 0n });
      const later = await scene.open({ provider: ZeroAddress, agentId: 9n });
      await scene.as("client").setProvider(later, scene.of("provider"), 0n);
      for (const jobId of [named, later]) expect((await escrow.jobOf(jobId)).providerAgentId).to.equal(0n);
    });
  });

  describe("hooks", () => {
    const hooked = async (): Promise<readonly [bigint, HostileHook]> => {
      const hook = await scene.hook();
      return [await scene.open({ hook: await hook.getAddress() }), hook];
    };
    const lives: readonly (readonly [string, (jobId: bigint) => Promise<unknown>, bigint, number])[] = [
      ["complete", (jobId) => mined(scene.as("evaluator").complete(jobId, REASON, "0x")), STATUS.Completed, 4],
      ["reject", (jobId) => mined(scene.as("evaluator").reject(jobId, REASON, "0x")), STATUS.Contested, 4],
    ];

    it("a good one: is told before and after, with what ERC-8183 says", async () => {
      const [jobId, hook] = await hooked();
      expect(await hook.told()).to.equal(2n);
      const told = async (name: "fund" | "submit" | "complete", types: string[], values: unknown[]): Promise<void> => {
        expect(await hook.lastSelector()).to.equal(escrow.interface.getFunction(name).selector);
        expect(await hook.lastDataHash()).to.equal(keccak256(AbiCoder.defaultAbiCoder().encode(types, values)));
      };
      const terms = scene.encode(scene.terms());
      await scene.fund(jobId);
      await told("fund", ["address", "bytes"], [scene.of("client"), terms]);
      await scene.as("provider").submit(jobId, DELIVERABLE, "0xaa");
      await told("submit", ["address", "bytes32", "bytes"], [scene.of("provider"), DELIVERABLE, "0xaa"]);
      await scene.as("evaluator").complete(jobId, REASON, "0x");
      await told("complete", ["address", "bytes32", "bytes"], [scene.of("evaluator"), REASON, "0x"]);
      expect(await hook.told()).to.equal(8n);
    });

    for (const mode of ["Reverts", "BurnsGas", "ReturnsBomb", "RevertsBomb"] as const) {
      for (const [name, act, then, failures] of lives) {
        it(`${mode}: refuses before money is in, and after that ${name} goes through all the same`, async () => {
          const [jobId, hook] = await hooked();
          await hook.setMode(HOOK[mode]);
          const doesRefuse = mode !== "ReturnsBomb";
          expect(await errorOf(scene.as("client").setBudget(jobId, ZeroAddress, BUDGET, "0x"))).to.equal(doesRefuse ? "HookRefused" : "none");
          expect(await errorOf(scene.fund(jobId))).to.equal(doesRefuse ? "HookRefused" : "none");
          await hook.setMode(HOOK.Good);
          if (doesRefuse) await scene.fund(jobId);
          await hook.setMode(HOOK[mode]);
          const submitted = await mined(scene.as("provider").submit(jobId, DELIVERABLE, "0x"));
          await act(jobId);
          expect(await statusOf(jobId)).to.equal(then);
          const failed = await escrow.queryFilter(escrow.filters.HookFailed(jobId));
          expect(failed.length).to.equal(doesRefuse ? failures : 0);
          // Two calls of 100,000 gas at the most, whatever it does.
          expect(Number(submitted.gasUsed)).to.be.lessThan(400_000);
        });
      }
    }

    it("the ends that anyone can call: ask no hook", async () => {
      const [jobId, hook] = await hooked();
      await scene.fund(jobId);
      await scene.as("provider").submit(jobId, DELIVERABLE, "0x");
      const told = await hook.told();
      await scene.pass(await scene.deadline(jobId));
      await scene.as("stranger").completeSilent(jobId);
      const [second, other] = await hooked();
      await scene.fund(second);
      await other.setMode(HOOK.Reverts);
      await scene.pass((await scene.now()) + WORK);
      await scene.as("stranger").claimRefund(second);
      expect(await hook.told()).to.equal(told);
      expect(await escrow.queryFilter(escrow.filters.HookFailed())).to.deep.equal([]);
    });

    it("a caller with little gas: cannot keep the hook from being told", async () => {
      const [jobId, hook] = await hooked();
      await scene.fund(jobId);
      await scene.as("provider").submit(jobId, DELIVERABLE, "0x");
      const told = await hook.told();
      let isStarved = false;
      for (let gasLimit = 80_000; gasLimit <= 520_000; gasLimit += 20_000) {
        const undo = await scene.mark();
        const error = await errorOf(scene.as("evaluator").complete(jobId, REASON, "0x", { gasLimit }));
        if (error === "TooLittleGas") isStarved = true;
        if (error === "none") expect(await hook.told(), `with ${gasLimit} gas`).to.equal(told + 2n);
        await undo();
      }
      expect(isStarved).to.equal(true);
    });

    it("re-entry: every function of the escrow meets the guard", async () => {
      const [jobId, hook] = await hooked();
      const hookAt = await hook.getAddress();
      const of = escrow.interface;
      const opening = { provider: scene.of("provider"), evaluator: scene.of("evaluator"), expiredAt: (await scene.now()) + WORK, providerAgentId: 0n, budget: 0n, feeVersion: 0n };
      const calls = [
        of.encodeFunctionData("createJob", [scene.of("provider"), scene.of("evaluator"), opening.expiredAt, "", ZeroAddress, 0n]),
        of.encodeFunctionData("setProvider", [jobId, hookAt, 0n]),
        of.encodeFunctionData("setBudget", [jobId, ZeroAddress, 0n, "0x"]),
        of.encodeFunctionData("fund", [jobId, 0n, "0x"]),
        of.encodeFunctionData("submit", [jobId, DELIVERABLE, "0x"]),
        of.encodeFunctionData("complete", [jobId, REASON, "0x"]),
        of.encodeFunctionData("reject", [jobId, REASON, "0x"]),
        of.encodeFunctionData("claimRefund", [jobId]),
        of.encodeFunctionData("openFunded", [opening, scene.terms(), ""]),
        of.encodeFunctionData("completeSilent", [jobId]),
        of.encodeFunctionData("completeVerified", [jobId, "0x"]),
        of.encodeFunctionData("dispute", [jobId]),
        of.encodeFunctionData("rule", [jobId, 0n]),
        of.encodeFunctionData("settleRejected", [jobId]),
        of.encodeFunctionData("settleUnruled", [jobId]),
        of.encodeFunctionData("withdraw", [ZeroAddress, hookAt]),
        of.encodeFunctionData("withdrawBurned", [ZeroAddress]),
      ];
      for (const data of calls) {
        await hook.setCall(scene.address, data);
        await scene.as("client").setBudget(jobId, ZeroAddress, BUDGET, "0x");
        expect(await hook.lastRevert()).to.equal(GUARDED);
      }
      expect(await hook.successes()).to.equal(0n);
    });
  });

  describe("tokens and payees", () => {
    for (const [name, error] of [["FeeToken", "WrongAmountReceived"], ["HostileToken", "SafeERC20FailedOperation"]] as const) {
      it(`${name}: cannot fund a job, which stays open`, async () => {
        const { address: token, contract } = await scene.token<HostileToken>(name);
        if (name === "HostileToken") await contract.setMode(1n);
        const jobId = await scene.open({ token });
        expect(await errorOf(scene.fund(jobId, { token }))).to.equal(error);
        expect([await statusOf(jobId), await escrow.owed(token)]).to.deep.equal([STATUS.Open, 0n]);
      });
    }

    it("a re-entrant token: meets the guard in fund, dispute and withdraw", async () => {
      const { address: token, contract } = await scene.token<ReentrantToken>("ReentrantToken");
      const jobId = await scene.open({ token });
      await contract.setCall(scene.address, escrow.interface.encodeFunctionData("claimRefund", [jobId]));
      await scene.fund(jobId, { token });
      expect(await contract.lastRevert()).to.equal(GUARDED);
      await scene.as("provider").submit(jobId, DELIVERABLE, "0x");
      await contract.setCall(scene.address, escrow.interface.encodeFunctionData("completeSilent", [jobId]));
      await scene.as("client").dispute(jobId);
      expect(await contract.lastRevert()).to.equal(GUARDED);
      await scene.as("arbiter").rule(jobId, 0n);
      await contract.setCall(scene.address, escrow.interface.encodeFunctionData("withdraw", [token, scene.of("client")]));
      await scene.as("client").withdraw(token, scene.of("client"));
      expect([await contract.lastRevert(), await escrow.owed(token)]).to.deep.equal([GUARDED, 0n]);
    });

    it("a token that takes balances away: both jobs in it lose the same part, and no more jobs are funded", async () => {
      const { address: token, contract } = await scene.token<FreezingToken>("FreezingToken");
      const [first, second] = [await scene.submitted({ token }), await scene.submitted({ token, provider: scene.of("provider") })];
      await contract.setPercent(50n);
      await scene.as("evaluator").complete(first, REASON, "0x");
      await scene.as("evaluator").reject(second, REASON, "0x");
      await scene.pass(await scene.deadline(second));
      await scene.as("stranger").settleRejected(second);
      expect(await scene.as("provider").withdraw.staticCall(token, scene.of("provider"))).to.equal(9_750n / 2n);
      await scene.as("provider").withdraw(token, scene.of("provider"));
      expect(await scene.as("client").withdraw.staticCall(token, scene.of("client"))).to.equal(BUDGET / 2n);
      expect(await errorOf(scene.funded({ token }))).to.equal("BalanceShort");
    });

    it("a provider that cannot be paid, or is frozen by the token: ends its job like any other, and holds up nobody", async () => {
      const { address: token, contract } = await scene.token<FreezingToken>("FreezingToken");
      const payee = await scene.recipient();
      const at = await payee.getAddress();
      const run = async (options: JobOptions): Promise<void> => {
        const jobId = await scene.funded({ ...options, provider: at });
        await payee.execute(scene.address, 0n, escrow.interface.encodeFunctionData("submit", [jobId, DELIVERABLE, "0x"]));
        await scene.as("evaluator").complete(jobId, REASON, "0x");
      };
      await payee.setMode(2);
      await run({});
      await contract.setFrozen(at, true);
      await run({ token });
      expect([await escrow.credit(ZeroAddress, at), await escrow.credit(token, at)]).to.deep.equal([9_750n, 9_750n]);
      for (const each of [ZeroAddress, token]) await scene.as("treasury").withdraw(each, scene.of("treasury"));
      await payee.execute(scene.address, 0n, escrow.interface.encodeFunctionData("withdraw", [token, scene.of("provider")]));
    });
  });
});

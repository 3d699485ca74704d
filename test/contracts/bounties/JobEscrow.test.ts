import { expect } from "chai";
import { ZeroAddress, toUtf8Bytes, keccak256 } from "ethers";

import type { JobEscrow } from "../../../typechain-types/index.ts";
import { BPS, DAY, DELIVERABLE, DISPUTE, FEE_BPS, JobScene, REASON, REVIEW, ROLES, RULING, SPEC_HASH, STATUS, WORK, errorOf, mined } from "../../builders/jobScene.ts";
import type { JobOptions, Role } from "../../builders/jobScene.ts";

const BUDGET = 10_000n;
const BOND = 500n;
const SHOWN = toUtf8Bytes("what was made");
const ANYONE = ROLES;

describe("JobEscrow", () => {
  let scene: JobScene;
  let escrow: JobEscrow;
  let restore: () => Promise<void>;
  let verified: JobOptions;

  before(async () => {
    scene = await JobScene.start();
    escrow = scene.escrow;
    verified = { evaluator: await (await scene.verifier()).getAddress(), terms: { isVerified: true, arbiter: ZeroAddress, specHash: SPEC_HASH } };
    restore = await scene.mark();
  });
  afterEach(async () => {
    await restore();
    restore = await scene.mark();
  });
  after(() => scene.stop());

  const statusOf = async (jobId: bigint): Promise<bigint> => (await escrow.jobOf(jobId)).status;
  const over = async (jobId: bigint): Promise<bigint> => {
    await scene.pass((await scene.deadline(jobId)) + DAY_N);
    return jobId;
  };
  const DAY_N = BigInt(DAY);
  const submitVerified = async (): Promise<bigint> => {
    const jobId = await scene.funded(verified);
    await scene.as("provider").submit(jobId, keccak256(SHOWN), "0x");
    return jobId;
  };
  const withoutArbiter: JobOptions = { terms: { arbiter: ZeroAddress } };

  type Call = (of: JobEscrow, jobId: bigint) => { readonly send: JobEscrow[keyof JobEscrow] & { staticCall(...args: unknown[]): Promise<unknown> }; readonly args: readonly unknown[] };
  const call = (send: unknown, ...args: unknown[]) => ({ send, args }) as unknown as ReturnType<Call>;
  const CALLS = {
    setProvider: (of, jobId) => call(of.setProvider, jobId, scene.of("second"), 7n),
    setBudget: (of, jobId) => call(of.setBudget, jobId, ZeroAddress, 5n, "0x"),
    fund: (of, jobId) => call(of.fund, jobId, BUDGET, scene.encode(scene.terms()), { value: BUDGET }),
    submit: (of, jobId) => call(of.submit, jobId, DELIVERABLE, "0x"),
    complete: (of, jobId) => call(of.complete, jobId, REASON, "0x"),
    reject: (of, jobId) => call(of.reject, jobId, REASON, "0x"),
    claimRefund: (of, jobId) => call(of.claimRefund, jobId),
    completeSilent: (of, jobId) => call(of.completeSilent, jobId),
    completeVerified: (of, jobId) => call(of.completeVerified, jobId, SHOWN),
    dispute: (of, jobId) => call(of.dispute, jobId, { value: BOND }),
    rule: (of, jobId) => call(of.rule, jobId, 7_000n),
    settleRejected: (of, jobId) => call(of.settleRejected, jobId),
    settleUnruled: (of, jobId) => call(of.settleUnruled, jobId),
  } as const satisfies Record<string, Call>;
  type Action = keyof typeof CALLS;

  /** Section 5 of docs/BOUNTIES.md: what goes in which state, by whom, and where it leads. Everything else is refused. */
  const TABLE: readonly {
    readonly state: string;
    readonly reach: () => Promise<bigint>;
    readonly may: Partial<Record<Action, readonly [readonly Role[], keyof typeof STATUS]>>;
  }[] = [
    {
      state: "Open",
      reach: () => scene.open(),
      may: { setBudget: [["client", "provider"], "Open"], fund: [["client"], "Funded"], reject: [["client"], "Rejected"] },
    },
    {
      state: "Open without a provider",
      reach: () => scene.open({ provider: ZeroAddress }),
      may: { setProvider: [["client"], "Open"], setBudget: [["client"], "Open"], reject: [["client"], "Rejected"] },
    },
    { state: "Open past its time", reach: async () => { const jobId = await scene.open(); await scene.pass((await scene.now()) + WORK); return jobId; }, may: { setBudget: [["client", "provider"], "Open"], reject: [["client"], "Rejected"] } },
    { state: "Funded", reach: () => scene.funded(), may: { submit: [["provider"], "Submitted"], reject: [["evaluator"], "Contested"] } },
    { state: "Funded without an arbiter", reach: () => scene.funded(withoutArbiter), may: { submit: [["provider"], "Submitted"], reject: [["evaluator"], "Rejected"] } },
    { state: "Funded for a verifier", reach: () => scene.funded(verified), may: { submit: [["provider"], "Submitted"] } },
    { state: "Funded past its time", reach: async () => { const jobId = await scene.funded(); await scene.pass((await scene.now()) + WORK); return jobId; }, may: { claimRefund: [ANYONE, "Expired"] } },
    {
      state: "Submitted",
      reach: () => scene.submitted(),
      may: { complete: [["evaluator"], "Completed"], reject: [["evaluator"], "Contested"], dispute: [["client"], "Disputed"] },
    },
    { state: "Submitted without an arbiter", reach: () => scene.submitted(withoutArbiter), may: { complete: [["evaluator"], "Completed"], reject: [["evaluator"], "Rejected"] } },
    { state: "Submitted, the review over", reach: async () => over(await scene.submitted()), may: { complete: [["evaluator"], "Completed"], completeSilent: [ANYONE, "Completed"] } },
    { state: "Submitted to a verifier", reach: submitVerified, may: { completeVerified: [ANYONE, "Completed"] } },
    { state: "Submitted to a verifier, its time over", reach: async () => over(await submitVerified()), may: { completeVerified: [ANYONE, "Completed"], claimRefund: [ANYONE, "Expired"] } },
    { state: "Contested", reach: () => scene.contested(), may: { dispute: [["provider"], "Disputed"] } },
    { state: "Contested, its time over", reach: async () => over(await scene.contested()), may: { settleRejected: [ANYONE, "Rejected"] } },
    { state: "Disputed", reach: () => scene.disputed(), may: { rule: [["arbiter"], "Completed"] } },
    { state: "Disputed by the client", reach: () => scene.disputed({}, "client"), may: { rule: [["arbiter"], "Completed"] } },
    { state: "Disputed, its time over", reach: async () => over(await scene.disputed()), may: { settleUnruled: [ANYONE, "Completed"] } },
    { state: "Completed", reach: async () => { const jobId = await scene.submitted(); await scene.as("evaluator").complete(jobId, REASON, "0x"); await scene.pass((await scene.now()) + 60 * DAY); return jobId; }, may: {} },
    { state: "Rejected", reach: async () => { const jobId = await over(await scene.contested()); await scene.as("stranger").settleRejected(jobId); return jobId; }, may: {} },
    { state: "Expired", reach: async () => { const jobId = await scene.funded(); await scene.pass((await scene.now()) + WORK); await scene.as("stranger").claimRefund(jobId); return jobId; }, may: {} },
    { state: "a job that does not exist", reach: () => Promise.resolve(99n), may: {} },
  ];

  for (const { state, reach, may } of TABLE) {
    it(`${state}: takes ${Object.keys(may).join(", ") || "nothing"}, and by nobody else`, async () => {
      const jobId = await reach();
      const before = await escrow.owed(ZeroAddress);
      for (const [name, build] of Object.entries(CALLS)) {
        const [roles, then] = may[name as Action] ?? [[], "Open"];
        for (const role of ROLES) {
          const { send, args } = build(scene.as(role), jobId);
          if (!roles.includes(role)) {
            expect(await errorOf(send.staticCall(...args)), `${name} by ${role}`).to.match(/^[A-Z]\w+$/);
            continue;
          }
          const undo = await scene.mark();
          await mined((send as unknown as (...all: unknown[]) => ReturnType<JobEscrow["claimRefund"]>)(...args));
          expect(await statusOf(jobId), `${name} by ${role}`).to.equal(STATUS[then]);
          await undo();
        }
      }
      expect(await escrow.owed(ZeroAddress)).to.equal(before);
    });
  }

  it("statusOf: tells a client of ERC-8183 that what is contested or disputed is submitted", async () => {
    for (const [reach, status, hasEnded] of [
      [() => scene.open(), "Open", false], [() => scene.funded(), "Funded", false], [() => scene.contested(), "Submitted", false], [() => scene.disputed(), "Submitted", false],
    ] as const) {
      const jobId = await reach();
      expect(await escrow.statusOf(jobId)).to.equal(STATUS[status]);
      expect(await escrow.hasEnded(jobId)).to.equal(hasEnded);
    }
    expect(await errorOf(escrow.statusOf(99n))).to.equal("UnknownJob");
  });

  describe("deadlines: the second itself belongs to who comes after", () => {
    const cases: readonly (readonly [string, () => Promise<bigint>, (jobId: bigint) => Promise<bigint>, Action, Role, Action, string])[] = [
      ["expiredAt", () => scene.funded(), async (jobId) => (await escrow.jobOf(jobId)).expiredAt, "submit", "provider", "claimRefund", "TooLate"],
      ["expiredAt, for the evaluator", () => scene.funded(), async (jobId) => (await escrow.jobOf(jobId)).expiredAt, "reject", "evaluator", "claimRefund", "TooLate"],
      ["the review", () => scene.submitted(), (jobId) => scene.deadline(jobId), "reject", "evaluator", "completeSilent", "TooLate"],
      ["the review, for the client", () => scene.submitted(), (jobId) => scene.deadline(jobId), "dispute", "client", "completeSilent", "TooLate"],
      ["the provider's time", () => scene.contested(), (jobId) => scene.deadline(jobId), "dispute", "provider", "settleRejected", "TooLate"],
      ["the arbiter's time", () => scene.disputed(), (jobId) => scene.deadline(jobId), "rule", "arbiter", "settleUnruled", "TooLate"],
    ];
    for (const [what, reach, endOf, last, role, then, error] of cases) {
      it(`${what}: ${last} until the second before, ${then} from then on`, async () => {
        const jobId = await reach();
        const end = await endOf(jobId);
        const send = (action: Action, by: Role) => {
          const { send, args } = CALLS[action](scene.as(by), jobId);
          return mined((send as unknown as (...all: unknown[]) => ReturnType<JobEscrow["claimRefund"]>)(...args));
        };
        const undo = await scene.mark();
        await scene.next(end - 1n);
        expect(await errorOf(send(then, "stranger"))).to.equal("TooEarly");
        await undo();
        const again = await scene.mark();
        await scene.next(end - 1n);
        await send(last, role);
        await again();
        const third = await scene.mark();
        await scene.next(end);
        expect(await errorOf(send(last, role))).to.equal(error);
        await third();
        await scene.next(end);
        await send(then, "stranger");
      });
    }

    it("fund: until the second before expiredAt", async () => {
      const jobId = await scene.open();
      const { expiredAt } = await escrow.jobOf(jobId);
      const undo = await scene.mark();
      await scene.next(expiredAt);
      expect(await errorOf(scene.fund(jobId))).to.equal("TooLate");
      await undo();
      await scene.next(expiredAt - 1n);
      await scene.fund(jobId);
    });

    it("work for a verifier: is shown until expiredAt and a review later, and then as long as nobody asks for the money", async () => {
      const jobId = await submitVerified();
      const { expiredAt, deadline } = await escrow.jobOf(jobId);
      expect(deadline).to.equal(expiredAt + BigInt(REVIEW));
      const undo = await scene.mark();
      await scene.next(deadline - 1n);
      expect(await errorOf(scene.as("client").claimRefund(jobId))).to.equal("TooEarly");
      await undo();
      await scene.next(deadline);
      await scene.as("client").claimRefund(jobId);
      expect(await errorOf(scene.as("provider").completeVerified(jobId, SHOWN))).to.equal("WrongStatus");
    });

    it("deadlines: are as long as the terms say", async () => {
      const submitted = await scene.submitted();
      expect(await scene.deadline(submitted)).to.equal(BigInt((await scene.now()) + REVIEW));
      await scene.as("evaluator").reject(submitted, REASON, "0x");
      expect(await scene.deadline(submitted)).to.equal(BigInt((await scene.now()) + DISPUTE));
      await scene.as("provider").dispute(submitted, { value: BOND });
      expect(await scene.deadline(submitted)).to.equal(BigInt((await scene.now()) + RULING));
    });
  });

  describe("money", () => {
    /** Net of the fee, and the fee. */
    const paid = (amount: bigint): readonly [bigint, bigint] => [amount - (amount * FEE_BPS) / BPS, (amount * FEE_BPS) / BPS];
    const split = (bps: bigint, bondTo: "client" | "provider", bond = BOND): Partial<Record<Role, bigint>> => {
      const earned = (BUDGET * bps) / BPS;
      const [net, fee] = paid(earned);
      const credits: Partial<Record<Role, bigint>> = {};
      const add = (role: Role, amount: bigint): void => {
        if (amount !== 0n) credits[role] = (credits[role] ?? 0n) + amount;
      };
      add("client", BUDGET - earned);
      add("provider", net);
      add("treasury", fee);
      add(bondTo, bond);
      return credits;
    };

    type End = readonly [string, (options: JobOptions) => Promise<bigint>, Partial<Record<Role, bigint>>, bigint];
    const ruled = (by: "client" | "provider", bps: bigint) => async (options: JobOptions): Promise<bigint> => {
      const jobId = await scene.disputed(options, by);
      await scene.as("arbiter").rule(jobId, bps);
      return jobId;
    };
    const unruled = (by: "client" | "provider", unruledBps: number) => async (options: JobOptions): Promise<bigint> => {
      const jobId = await over(await scene.disputed({ ...options, terms: { ...options.terms, unruledBps } }, by));
      await scene.as("stranger").settleUnruled(jobId);
      return jobId;
    };
    const ends: readonly End[] = [
      ["completed", async (options) => { const jobId = await scene.submitted(options); await scene.as("evaluator").complete(jobId, REASON, "0x"); return jobId; }, split(BPS, "client", 0n), 0n],
      ["completed by silence", async (options) => { const jobId = await over(await scene.submitted(options)); await scene.as("stranger").completeSilent(jobId); return jobId; }, split(BPS, "client", 0n), 0n],
      ["rejected", async (options) => { const jobId = await over(await scene.contested(options)); await scene.as("stranger").settleRejected(jobId); return jobId; }, split(0n, "client", 0n), BUDGET],
      ["rejected before work came", async (options) => { const jobId = await scene.funded({ ...options, ...withoutArbiter }); await scene.as("evaluator").reject(jobId, REASON, "0x"); return jobId; }, split(0n, "client", 0n), BUDGET],
      ["expired", async (options) => { const jobId = await scene.funded(options); await scene.pass((await scene.now()) + WORK); await scene.as("stranger").claimRefund(jobId); return jobId; }, split(0n, "client", 0n), BUDGET],
      ["ruled for the provider, who disputed", ruled("provider", 10_000n), split(10_000n, "provider"), 0n],
      ["ruled in halves, the provider disputed", ruled("provider", 5_000n), split(5_000n, "provider"), BUDGET / 2n],
      ["ruled just below half, the provider disputed", ruled("provider", 4_999n), split(4_999n, "client"), BUDGET - 4_999n + BOND],
      ["ruled for the client, the provider disputed", ruled("provider", 0n), split(0n, "client"), BUDGET + BOND],
      ["ruled for the client, who disputed", ruled("client", 0n), split(0n, "client"), BUDGET + BOND],
      ["ruled in halves, the client disputed", ruled("client", 5_000n), split(5_000n, "client"), BUDGET / 2n + BOND],
      ["ruled just above half, the client disputed", ruled("client", 5_001n), split(5_001n, "provider"), BUDGET - 5_001n],
      ["not ruled, the provider disputed", unruled("provider", 3_000), split(3_000n, "provider"), 7_000n],
      ["not ruled, the client disputed", unruled("client", 10_000), split(10_000n, "client"), BOND],
      ["not ruled, all to the client", unruled("provider", 0), split(0n, "provider"), BUDGET],
    ];
    for (const kind of ["ETH", "ERC-20"] as const) {
      for (const [what, end, credits, refund] of ends) {
        it(`${kind}: ${what}: everything is credited to whom it belongs, and pulled`, async () => {
          const token = kind === "ETH" ? ZeroAddress : (await scene.token()).address;
          const jobId = await end({ token });
          expect(await scene.credits(token)).to.deep.equal(credits);
          expect(await escrow.refundOf(jobId)).to.equal(refund);
          expect(await escrow.hasEnded(jobId)).to.equal(true);
          const total = Object.values(credits).reduce((sum, each) => sum + each, 0n);
          expect(await escrow.owed(token)).to.equal(total);
          for (const role of Object.keys(credits) as Role[]) await scene.as(role).withdraw(token, scene.of(role));
          expect(await escrow.owed(token)).to.equal(0n);
          const held = kind === "ETH" ? await scene.connection.ethers.provider.getBalance(scene.address) : await (await scene.connection.ethers.getContractAt("TestToken", token)).balanceOf(scene.address);
          expect(held).to.equal(0n);
        });
      }
    }

    it("verified: pays the provider, once", async () => {
      const jobId = await submitVerified();
      expect(await errorOf(scene.as("stranger").completeVerified(jobId, toUtf8Bytes("something else")))).to.equal("NotVerified");
      await scene.as("stranger").completeVerified(jobId, SHOWN);
      expect(await scene.credits()).to.deep.equal(split(BPS, "client", 0n));
      expect(await errorOf(scene.as("stranger").completeVerified(jobId, SHOWN))).to.equal("WrongStatus");
    });

    it("bond: 5 % of the budget, rounded up, and no other value", async () => {
      for (const [budget, bond] of [[0n, 0n], [1n, 1n], [20n, 1n], [21n, 2n], [10_000n, 500n]] as const) {
        expect(await escrow.bondOf(await scene.open({ budget }))).to.equal(bond);
      }
      const jobId = await scene.submitted();
      for (const value of [0n, BOND - 1n, BOND + 1n]) expect(await errorOf(scene.as("client").dispute(jobId, { value }))).to.equal("WrongValue");
    });

    it("a budget of nothing: is a job like any other", async () => {
      const jobId = await scene.submitted({ budget: 0n });
      await scene.as("evaluator").complete(jobId, REASON, "0x");
      expect(await scene.credits()).to.deep.equal({});
    });

    it("the largest budget: is shared out without overflow", async () => {
      const { address, contract } = await scene.token();
      const budget = await escrow.MAX_AMOUNT();
      for (const role of ["client", "provider"] as const) {
        await contract.mint(scene.of(role), budget);
        await contract.connect(scene.signer(role)).approve(scene.address, budget);
      }
      const jobId = await scene.disputed({ token: address, budget });
      await scene.as("arbiter").rule(jobId, 0n);
      expect(await escrow.refundOf(jobId)).to.equal(budget + (await escrow.bondOf(jobId)));
      expect(await errorOf(scene.open({ token: address, budget: budget + 1n }))).to.equal("AmountTooLarge");
    });
  });

  describe("terms", () => {
    const refused: readonly (readonly [string, () => JobOptions, string])[] = [
      ["a review of no time", () => ({ terms: { reviewSeconds: 0 } }), "BadSeconds"],
      ["a review of more than 30 days", () => ({ terms: { reviewSeconds: 30 * DAY + 1 } }), "BadSeconds"],
      ["no time to dispute", () => ({ terms: { disputeSeconds: 0 } }), "BadSeconds"],
      ["no time to rule", () => ({ terms: { rulingSeconds: 0 } }), "BadSeconds"],
      ["too long a time to rule", () => ({ terms: { rulingSeconds: 2 ** 32 - 1 } }), "BadSeconds"],
      ["more than everything without a ruling", () => ({ terms: { unruledBps: 10_001 } }), "BadBps"],
      ["the client as arbiter", () => ({ terms: { arbiter: scene.of("client") } }), "BadParty"],
      ["the provider as arbiter", () => ({ terms: { arbiter: scene.of("provider") } }), "BadParty"],
      ["the evaluator as arbiter", () => ({ terms: { arbiter: scene.of("evaluator") } }), "BadParty"],
      ["a verifier that is no contract", () => ({ terms: { isVerified: true, arbiter: ZeroAddress } }), "BadVerifier"],
      ["a verifier with an arbiter above it", () => ({ ...verified, terms: { ...verified.terms, arbiter: scene.of("arbiter") } }), "VerifierDecides"],
    ];
    for (const [what, options, error] of refused) {
      it(`fund: refuses ${what}`, async () => {
        expect(await errorOf(scene.funded(options()))).to.equal(error);
      });
    }

    it("fund: without terms, when the client said the budget, is a job without an arbiter and with three days of review", async () => {
      const jobId = await scene.open();
      await scene.as("client").fund(jobId, BUDGET, "0x", { value: BUDGET });
      const job = await escrow.jobOf(jobId);
      expect([job.arbiter, job.reviewSeconds, job.isVerified]).to.deep.equal([ZeroAddress, BigInt(3 * DAY), false]);
    });

    it("fund: terms that are no terms are refused", async () => {
      const jobId = await scene.open();
      for (const params of ["0x01", `0x${"ff".repeat(256)}`]) expect(await errorOf(scene.as("client").fund(jobId, BUDGET, params, { value: BUDGET }))).to.not.equal("none");
    });

    it("createJob: needs an evaluator, another provider than evaluator and client, and an end within a year", async () => {
      const { client, provider, evaluator } = { client: scene.of("client"), provider: scene.of("provider"), evaluator: scene.of("evaluator") };
      const now = await scene.now();
      const create = (by: string, judge: string, end: number) => scene.as("client").createJob.staticCall(by, judge, end, "", ZeroAddress, 0n);
      expect(await errorOf(create(provider, ZeroAddress, now + WORK))).to.equal("BadParty");
      expect(await errorOf(create(provider, provider, now + WORK))).to.equal("BadParty");
      expect(await errorOf(create(client, evaluator, now + WORK))).to.equal("BadParty");
      expect(await errorOf(create(provider, evaluator, now))).to.equal("BadExpiry");
      expect(await errorOf(create(provider, evaluator, now + 366 * DAY + 100))).to.equal("BadExpiry");
      expect(await errorOf(create(provider, client, now + WORK))).to.equal("none");
    });

    it("setProvider: once, and nobody with another part in the job", async () => {
      const jobId = await scene.open({ provider: ZeroAddress });
      const set = (provider: string) => scene.as("client").setProvider(jobId, provider, 0n);
      for (const bad of [ZeroAddress, scene.of("client"), scene.of("evaluator")]) expect(await errorOf(set(bad))).to.equal("BadParty");
      expect(await errorOf(scene.fund(jobId))).to.equal("BadParty");
      await set(scene.of("provider"));
      expect(await errorOf(set(scene.of("second")))).to.equal("ProviderIsSet");
    });
  });

  describe("openFunded", () => {
    const opening = async (change: object = {}) => ({
      provider: scene.of("provider"), evaluator: scene.of("evaluator"), expiredAt: (await scene.now()) + WORK, providerAgentId: 0n, budget: BUDGET, feeVersion: 0n, ...change,
    });

    it("openFunded: makes a funded job of the caller in one call, without a hook", async () => {
      await scene.as("second").openFunded(await opening(), scene.terms(), "for others", { value: BUDGET });
      const job = await escrow.jobOf(1n);
      expect([job.client, job.status, job.hook, job.budget]).to.deep.equal([scene.of("second"), STATUS.Funded, ZeroAddress, BUDGET]);
      expect(await escrow.descriptionOf(1n)).to.equal("for others");
      await scene.as("provider").submit(1n, DELIVERABLE, "0x");
      await scene.as("evaluator").complete(1n, REASON, "0x");
      expect(await escrow.credit(ZeroAddress, scene.of("provider"))).to.equal(9_750n);
    });

    it("openFunded: refuses what createJob and fund refuse", async () => {
      const open = async (change: object, terms: JobOptions = {}, value = BUDGET) =>
        errorOf(scene.as("second").openFunded.staticCall(await opening(change), scene.terms(terms), "", { value }));
      expect(await open({ provider: ZeroAddress })).to.equal("BadParty");
      expect(await open({ provider: scene.of("second") })).to.equal("BadParty");
      expect(await open({ evaluator: scene.of("provider") })).to.equal("BadParty");
      expect(await open({ evaluator: ZeroAddress })).to.equal("BadParty");
      expect(await open({ expiredAt: await scene.now() })).to.equal("BadExpiry");
      expect(await open({ feeVersion: 1n })).to.equal("UnknownFee");
      expect(await open({ budget: (await escrow.MAX_AMOUNT()) + 1n })).to.equal("AmountTooLarge");
      expect(await open({}, {}, BUDGET - 1n)).to.equal("WrongValue");
      expect(await open({}, { terms: { arbiter: scene.of("second") } })).to.equal("BadParty");
    });

    it("openFunded: keeps the fee that held when the caller's funders paid", async () => {
      await scene.as("owner").setFee(500n, scene.of("treasury"));
      await scene.as("second").openFunded(await opening({ feeVersion: 0n }), scene.terms(), "", { value: BUDGET });
      await scene.as("provider").submit(1n, DELIVERABLE, "0x");
      await scene.as("evaluator").complete(1n, REASON, "0x");
      expect(await escrow.credit(ZeroAddress, scene.of("treasury"))).to.equal(250n);
    });
  });
});

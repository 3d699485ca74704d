import { expect } from "chai";
import { ZeroHash, toBeHex } from "ethers";

import { decodeUptimeTerms, encodeUptimeTerms, encodeValidatorTerms } from "../../../chain/uptime/UptimeTerms.ts";
import { uptimeCommitment, uptimeKey, uptimeRequestHash } from "../../../chain/uptime/uptimeHashes.ts";
import { AGENT_ID, COMMIT, errorOf, MIN_STAKE, PENALTY, PERIOD, REVEAL, SILENT, UNBONDING, UptimeStage, wordOf } from "../../builders/uptimeStage.ts";

const FULL = 10_000;

describe("UptimeMeter", () => {
  let stage: UptimeStage;
  let restore: () => Promise<void>;

  before(async () => {
    stage = await UptimeStage.start();
    const snapshot = await stage.connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(async () => {
    expect(await stage.isBalanced(), "stakes and what is burned are the balance").to.equal(true);
    await restore();
  });
  after(() => stage.connection.close());

  const units = (id = 0n): Promise<bigint> => stage.meter.unitsOf(stage.boardAddress, id);
  const hasFailed = (id = 0n): Promise<boolean> => stage.meter.hasFailed(stage.boardAddress, id);

  /** Past every window of the first period, whatever the block's time was. */
  async function later(seconds: number): Promise<void> {
    await stage.connection.networkHelpers.time.increase(seconds);
  }

  describe("deployment", () => {
    it("constructor: refuses no registry, and a stake without a tenth", async () => {
      const deploy = (registry: string, stakeWei: bigint): Promise<unknown> => stage.connection.ethers.deployContract("UptimeMeter", [registry, stakeWei, 1]);
      expect(await errorOf(deploy(toBeHex(0, 20), 10n))).to.equal("ZeroRegistry");
      expect(await errorOf(deploy(toBeHex(1, 20), 9n))).to.equal("StakeTooSmall");
    });

    it("hashes: are the same in TypeScript", async () => {
      const domain = { chainId: Number((await stage.connection.ethers.provider.getNetwork()).chainId), meter: await stage.meter.getAddress() };
      const key = await stage.begin({}, 7n);
      expect(await stage.meter.keyOf(stage.boardAddress, 7n, 1)).to.equal(key);
      const [validator, salt] = [stage.validators[0]!.address, wordOf(5n)];
      expect(await stage.meter.commitmentOf(key, 9, validator, 8_765, salt)).to.equal(uptimeCommitment(domain, { key, period: 9, validator, uptimeBps: 8_765, salt }));
      expect(await stage.meter.requestHashOf(key, 9, salt)).to.equal(uptimeRequestHash(domain, { key, period: 9, salt }));
      expect(encodeUptimeTerms(decodeUptimeTerms(encodeUptimeTerms(stage.terms())))).to.equal(encodeUptimeTerms(stage.terms()));
    });
  });

  describe("stakes", () => {
    it("join: takes the minimum, adds to it, and refuses less", async () => {
      const meter = stage.by(stage.stranger);
      expect(await errorOf(meter.join({ value: MIN_STAKE - 1n }))).to.equal("StakeTooSmall");
      await stage.send(meter.join({ value: MIN_STAKE }));
      await stage.send(meter.join({ value: 1n }));
      expect((await meter.stakeOf(stage.stranger.address)).amountWei).to.equal(MIN_STAKE + 1n);
      await stage.send(meter.unbond());
      expect(await errorOf(meter.join({ value: MIN_STAKE }))).to.equal("AlreadyUnbonding");
      await later(UNBONDING);
      await stage.send(meter.withdrawStake(stage.stranger.address));
    });

    it("withdrawStake: pays after unbonding and once, and not what is locked", async () => {
      const [leaver] = stage.validators;
      const meter = stage.by(leaver!);
      expect(await errorOf(meter.withdrawStake(leaver!.address))).to.equal("StakeLocked");
      await stage.send(meter.unbond());
      expect(await errorOf(meter.unbond())).to.equal("AlreadyUnbonding");
      const { payableAt } = await meter.stakeOf(leaver!.address);
      await stage.at(Number(payableAt) - 1);
      expect(await errorOf(meter.withdrawStake(leaver!.address))).to.equal("StakeLocked");
      const purse = toBeHex(0x77777, 20);
      await stage.at(Number(payableAt));
      await stage.send(meter.withdrawStake(purse));
      expect(await stage.connection.ethers.provider.getBalance(purse)).to.equal(MIN_STAKE);
      expect(await errorOf(meter.withdrawStake(purse))).to.equal("StakeLocked");
      expect(await errorOf(meter.unbond())).to.equal("NoStake");
    });

    it("withdrawStake: a stake that answers for an untallied period stays, however long ago that was", async () => {
      const key = await stage.begin();
      await stage.attest(key, 0, [SILENT]);
      const meter = stage.by(stage.validators[0]!);
      await stage.send(meter.unbond());
      await later(10 * UNBONDING);
      expect(await errorOf(meter.withdrawStake(stage.stranger.address))).to.equal("StakeLocked");
      await stage.send(meter.tally(key, 0));
      await stage.send(meter.withdrawStake(toBeHex(0x99, 20)));
      expect(await stage.connection.ethers.provider.getBalance(toBeHex(0x99, 20))).to.equal(MIN_STAKE - PENALTY);
    });

    it("withdrawStake: a payee that reverts, and one that calls back, has nothing more than its own", async () => {
      const { ethers } = stage.connection;
      const hostile = await ethers.deployContract("HostileRecipient");
      const [address, meter] = [await hostile.getAddress(), await stage.meter.getAddress()];
      const call = (name: "join" | "unbond" | "withdrawStake", values: readonly unknown[], valueWei = 0n) =>
        hostile["execute"]!(meter, valueWei, stage.meter.interface.encodeFunctionData(name as "withdrawStake", values as [string]), { value: valueWei });
      await (await call("join", [], MIN_STAKE)).wait();
      await (await call("unbond", [])).wait();
      await later(UNBONDING);
      await (await hostile["setMode"]!(1)).wait();
      expect(await errorOf(call("withdrawStake", [address]))).to.equal("PaymentFailed");
      await (await hostile["setCall"]!(meter, stage.meter.interface.encodeFunctionData("withdrawStake", [address]))).wait();
      await (await hostile["setMode"]!(4)).wait();
      await (await call("withdrawStake", [address])).wait();
      expect(await hostile["successes"]!()).to.equal(0n);
      expect(await ethers.provider.getBalance(address)).to.equal(MIN_STAKE);
    });

    it("commit: one that leaves, and one whose free stake does not cover another penalty, commits no more", async () => {
      const key = await stage.begin();
      const [first] = stage.validators;
      await stage.send(stage.by(first!).unbond());
      await stage.at(await stage.secondOf(key, 0, "commit"));
      expect(await errorOf(stage.by(first!).commit(key, stage.panel(3), 0, wordOf(1n << 200n)))).to.equal("AlreadyUnbonding");

      const keys: string[] = [];
      for (let id = 1n; id <= 11n; id++) keys.push(await stage.begin({}, id));
      await stage.connection.networkHelpers.time.increaseTo(await stage.secondOf(keys[10]!, 0, "commit", 1));
      const errors: string[] = [];
      for (const each of keys) errors.push(await errorOf(stage.by(stage.validators[1]!).commit(each, stage.panel(3), 0, wordOf(1n << 200n))));
      expect(errors).to.deep.equal([...Array.from({ length: 10 }, () => "none"), "StakeTooSmall"]);
    });
  });

  describe("begin", () => {
    const bad: readonly (readonly [string, string, () => Parameters<UptimeStage["begin"]>[0]])[] = [
      ["a panel of 17", "PanelTooLarge", () => ({ panel: stage.panel(17), quorum: 16 })],
      ["a panel with the zero address", "PanelNotAscending", () => ({ panel: [toBeHex(0, 20), ...stage.panel(2)] })],
      ["a panel with one twice", "PanelNotAscending", () => ({ panel: [...stage.panel(2), ...stage.panel(2).slice(1)] })],
      ["no quorum", "BadQuorum", () => ({ quorum: 0 })],
      ["a quorum above the panel", "BadQuorum", () => ({ quorum: 4 })],
      ["a quorum of half of the panel", "BadQuorum", () => ({ panel: stage.panel(4), quorum: 2 })],
      ["a quorum above any open panel", "BadQuorum", () => ({ panel: [], quorum: 17 })],
      ["a tolerance above one", "BadShare", () => ({ toleranceBps: 10_001 })],
      ["a floor above one", "BadShare", () => ({ floorBps: 10_001 })],
      ["no bad periods", "BadLength", () => ({ badPeriods: 0 })],
      ["no period", "BadLength", () => ({ periodSeconds: 0, commitSeconds: 0 })],
      ["no time to commit", "BadLength", () => ({ commitSeconds: 0 })],
      ["more time to commit than a period", "BadLength", () => ({ commitSeconds: PERIOD + 1 })],
      ["no time to reveal", "BadLength", () => ({ revealSeconds: 0 })],
      ["phases as long as unbonding", "BadLength", () => ({ revealSeconds: UNBONDING - COMMIT })],
    ];
    for (const [what, code, change] of bad) {
      it(`begin: refuses ${what}, and checkTerms as well`, async () => {
        const terms = stage.terms(change());
        expect(await errorOf(stage.begin(change()))).to.equal(code);
        expect(await errorOf(stage.meter.checkTerms({ ...terms, panel: [...terms.panel] }))).to.equal(code);
      });
    }

    it("begin: refuses what is no terms at all, and an unordered panel", async () => {
      expect(await errorOf(stage.beginRaw("0x"))).to.not.equal("none");
      const descending = stage.panel(3).reverse();
      expect(await errorOf(stage.meter.checkTerms({ ...stage.terms(), panel: descending }))).to.equal("PanelNotAscending");
    });

    it("begin: fits into the gas that a board gives, with the largest panel", async () => {
      const { gasUsed } = await stage.beginRaw(encodeUptimeTerms(stage.terms({ panel: stage.panel(16) })));
      expect(gasUsed).to.be.lessThan(300_000n);
      const again = await stage.beginRaw(encodeUptimeTerms(stage.terms({ panel: stage.panel(16) })));
      expect(again.gasUsed).to.be.lessThan(300_000n);
    });

    it("begin: anybody is a board, for ids of its own", async () => {
      const key = await stage.begin({}, 3n);
      await stage.send(stage.by(stage.stranger).begin(3n, stage.stranger.address, 9n, encodeUptimeTerms(stage.terms())));
      expect((await stage.meter.engagementOf(key)).isReplaced).to.equal(false);
      expect((await stage.meter.engagementOf(uptimeKey(stage.stranger.address, 3n, 1))).operator).to.equal(stage.stranger.address);
    });

    it("begin: a new round begins at zero; the former takes no commitments, and is settled as ever", async () => {
      const first = await stage.begin();
      await stage.settle(first, 0, [FULL, FULL, FULL]);
      expect(await units()).to.equal(10_000n);
      await stage.at(await stage.secondOf(first, 1, "commit"));
      await stage.send(stage.by(stage.validators[0]!).commit(first, stage.panel(3), 1, await stage.commitment(first, 1, stage.validators[0]!, 5)));
      const second = await stage.begin();
      expect([await units(), await hasFailed(), await stage.meter.roundsOf(stage.boardAddress, 0n)]).to.deep.equal([0n, false, 2n]);
      expect(await errorOf(stage.by(stage.validators[1]!).commit(first, stage.panel(3), 1, wordOf(1n << 99n)))).to.equal("EngagementOver");
      await stage.at(await stage.secondOf(first, 1, "reveal"));
      await stage.send(stage.by(stage.validators[0]!).reveal(first, 1, 5, stage.salt(1, stage.validators[0]!)));
      await stage.at(await stage.secondOf(first, 1, "tally"));
      await stage.send(stage.meter.tally(first, 1));
      expect(await stage.stakes(3)).to.deep.equal([MIN_STAKE, MIN_STAKE, MIN_STAKE]);
      expect(await units()).to.equal(0n);
      expect((await stage.meter.engagementOf(second)).units).to.equal(0n);
    });

    it("unitsOf, hasFailed: nothing for what never began", async () => {
      expect([await units(99n), await hasFailed(99n)]).to.deep.equal([0n, false]);
      expect(await errorOf(stage.meter.tally(ZeroHash, 0))).to.equal("UnknownEngagement");
      expect(await errorOf(stage.meter.publish(ZeroHash, 0, ZeroHash))).to.equal("UnknownEngagement");
    });

    it("announce: the operator's, and only where the terms leave it open", async () => {
      const [fixed, open] = [await stage.begin({}, 1n), await stage.begin({ endpointHash: ZeroHash }, 2n)];
      expect(await errorOf(stage.by(stage.operator).announce(fixed, "http://a"))).to.equal("EndpointFixed");
      expect(await errorOf(stage.by(stage.stranger).announce(open, "http://a"))).to.equal("NotOperator");
      const { logs } = await stage.send(stage.by(stage.operator).announce(open, "http://a"));
      expect(stage.meter.interface.parseLog(logs[0]!)?.args.toArray()).to.deep.equal([open, "http://a"]);
    });
  });

  describe("commit and reveal", () => {
    let key: string;
    beforeEach(async () => {
      key = await stage.begin();
    });

    it("commit: only in the commit phase of a period that is over", async () => {
      const commit = async (): Promise<string> => await errorOf(stage.by(stage.validators[0]!).commit(key, stage.panel(3), 1, wordOf(1n << 200n)));
      const first = await stage.secondOf(key, 1, "commit");
      for (const [second, code] of [[first - 1, "NotInWindow"], [first + COMMIT, "NotInWindow"]] as const) {
        const snapshot = await stage.connection.networkHelpers.takeSnapshot();
        await stage.at(second);
        expect(await commit()).to.equal(code);
        await snapshot.restore();
      }
      await stage.at(first);
      expect(await commit()).to.equal("none");
      expect(await errorOf(stage.by(stage.validators[0]!).commit(key, stage.panel(3), 4_294_967_295, wordOf(1n << 200n)))).to.equal("NotInWindow");
    });

    it("commit: once, of the panel, staked, and not by the operator", async () => {
      await stage.at(await stage.secondOf(key, 0, "commit"));
      const [first] = stage.validators;
      const panel = stage.panel(3);
      const commitment = await stage.commitment(key, 0, first!, FULL);
      await stage.send(stage.by(first!).commit(key, panel, 0, commitment));
      expect(await errorOf(stage.by(first!).commit(key, panel, 0, commitment))).to.equal("AlreadyCommitted");
      expect(await errorOf(stage.by(stage.validators[4]!).commit(key, panel, 0, commitment))).to.equal("NotOnPanel");
      expect(await errorOf(stage.by(stage.validators[4]!).commit(key, stage.panel(5), 0, commitment))).to.equal("WrongPanel");
      expect(await errorOf(stage.by(stage.validators[4]!).commit(key, [], 0, commitment))).to.equal("WrongPanel");
      expect(await errorOf(stage.by(stage.operator).commit(key, panel, 0, commitment))).to.equal("OperatorAttests");
    });

    it("commit: a named validator without a stake is refused", async () => {
      const open = await stage.begin({ panel: [stage.stranger.address], quorum: 1 }, 5n);
      await stage.at(await stage.secondOf(open, 0, "commit"));
      expect(await errorOf(stage.by(stage.stranger).commit(open, [stage.stranger.address], 0, wordOf(1n << 200n)))).to.equal("StakeTooSmall");
    });

    it("commit: nothing that would pass for a revealed value", async () => {
      await stage.at(await stage.secondOf(key, 0, "commit"));
      const meter = stage.by(stage.validators[0]!);
      for (const value of [0n, 1n, 10_001n]) expect(await errorOf(meter.commit(key, stage.panel(3), 0, wordOf(value)))).to.equal("BadCommitment");
      await stage.send(meter.commit(key, stage.panel(3), 0, wordOf(10_002n)));
      await stage.at(await stage.secondOf(key, 0, "tally"));
      await stage.send(stage.meter.tally(key, 0));
      expect(await stage.stakes(1)).to.deep.equal([MIN_STAKE - PENALTY]);
    });

    it("reveal: only in its phase, once, and what was committed to", async () => {
      const [first, second] = stage.validators;
      const [meter, salt] = [stage.by(first!), stage.salt(0, stage.validators[0]!)];
      await stage.at(await stage.secondOf(key, 0, "commit"));
      await stage.send(meter.commit(key, stage.panel(3), 0, await stage.commitment(key, 0, first!, 9_000)));
      expect(await errorOf(meter.reveal(key, 0, 9_000, salt))).to.equal("NotInWindow");
      await stage.at(await stage.secondOf(key, 0, "reveal"));
      expect(await errorOf(meter.reveal(key, 0, 9_001, salt))).to.equal("WrongReveal");
      expect(await errorOf(meter.reveal(key, 0, 10_001, salt))).to.equal("BadUptime");
      expect(await errorOf(meter.reveal(key, 0, 9_000, ZeroHash))).to.equal("WrongReveal");
      expect(await errorOf(stage.by(second!).reveal(key, 0, 9_000, salt))).to.equal("WrongReveal");
      await stage.send(meter.reveal(key, 0, 9_000, salt));
      expect(await errorOf(meter.reveal(key, 0, 9_000, salt))).to.equal("WrongReveal");
      expect(BigInt(await meter.attestationOf(key, 0, first!.address))).to.equal(9_001n);
    });

    it("reveal: refused when the phase is over", async () => {
      await stage.attest(key, 0, [SILENT]);
      await stage.at(await stage.secondOf(key, 0, "reveal", REVEAL));
      expect(await errorOf(stage.by(stage.validators[0]!).reveal(key, 0, 0, stage.salt(0, stage.validators[0]!)))).to.equal("NotInWindow");
    });

    it("reveal: a commitment that was copied is no use to who copied it", async () => {
      const [first, copier] = stage.validators;
      const commitment = await stage.commitment(key, 0, first!, 9_000);
      await stage.at(await stage.secondOf(key, 0, "commit"));
      await stage.send(stage.by(first!).commit(key, stage.panel(3), 0, commitment));
      await stage.send(stage.by(copier!).commit(key, stage.panel(3), 0, commitment));
      await stage.at(await stage.secondOf(key, 0, "reveal"));
      await stage.send(stage.by(first!).reveal(key, 0, 9_000, stage.salt(0, first!)));
      expect(await errorOf(stage.by(copier!).reveal(key, 0, 9_000, stage.salt(0, first!)))).to.equal("WrongReveal");
      await stage.at(await stage.secondOf(key, 0, "tally"));
      await stage.send(stage.meter.tally(key, 0));
      expect(await stage.stakes(2)).to.deep.equal([MIN_STAKE, MIN_STAKE - PENALTY]);
    });

    it("reveal: one that leaves in between still reveals, and loses nothing", async () => {
      const [leaver] = stage.validators;
      await stage.at(await stage.secondOf(key, 0, "commit"));
      await stage.send(stage.by(leaver!).commit(key, stage.panel(3), 0, await stage.commitment(key, 0, leaver!, 7)));
      await stage.send(stage.by(leaver!).unbond());
      await stage.at(await stage.secondOf(key, 0, "reveal"));
      await stage.send(stage.by(leaver!).reveal(key, 0, 7, stage.salt(0, leaver!)));
      await stage.at(await stage.secondOf(key, 0, "tally"));
      await stage.send(stage.meter.tally(key, 0));
      const { amountWei, lockedWei } = await stage.meter.stakeOf(leaver!.address);
      expect([amountWei, lockedWei]).to.deep.equal([MIN_STAKE, 0n]);
    });
  });

  describe("tally", () => {
    /** Values, tolerance; then: units, who is slashed. */
    const stories: readonly (readonly [string, readonly (number | typeof SILENT | undefined)[], number, readonly number[]])[] = [
      ["three that agree", [9_990, 10_000, 9_995], 9_995, []],
      ["a liar against two", [9_990, 0, 9_995], 9_990, [1]],
      ["one just within the tolerance", [9_900, 10_000, 10_000], 10_000, []],
      ["one just outside of it", [9_899, 10_000, 10_000], 10_000, [0]],
      ["one above it", [101, 0, 0], 0, [0]],
      ["two of three, far from each other", [0, 10_000, undefined], 0, []],
      ["two of three, and one silent", [9_990, SILENT, 10_000], 9_990, [1]],
      ["one of three: no quorum, so nobody is judged", [9_990, undefined, undefined], 0, []],
      ["one of three, the others silent", [9_990, SILENT, SILENT], 0, [1, 2]],
      ["two against two", [0, 0, 10_000, 10_000], 0, []],
      ["two against two, and silence", [SILENT, 0, 0, 10_000, 10_000], 0, [0]],
      ["three against two", [0, 10_000, 10_000, 10_000, 0], 10_000, [0, 4]],
      ["two in the middle, wide apart: nobody between them or near is slashed", [9_000, 9_100, 4_000, 3_900], 4_000, []],
      ["two in the middle, and one far below", [9_000, 10_000, 8_999, 0], 8_999, [1, 3]],
    ];
    for (const [what, values, expected, slashed] of stories) {
      it(`tally: ${what}`, async () => {
        const size = Math.max(values.length, 3);
        const panel = stage.panel(size);
        const key = await stage.begin({ panel, quorum: Math.floor(size / 2) + 1 });
        await stage.settle(key, 0, values, panel);
        expect(await units()).to.equal(BigInt(expected));
        expect((await stage.stakes(size)).flatMap((stake, index) => (stake < MIN_STAKE ? [index] : []))).to.deep.equal(slashed);
        expect(await stage.meter.burned()).to.equal(BigInt(slashed.length) * PENALTY);
      });
    }

    it("tally: not before the reveal phase is over, once, and not of a period that nobody committed to", async () => {
      const key = await stage.begin();
      expect(await errorOf(stage.meter.tally(key, 0))).to.equal("NotNext");
      await stage.attest(key, 0, [FULL, FULL]);
      await stage.at(await stage.secondOf(key, 0, "tally", -1));
      expect(await errorOf(stage.meter.tally(key, 0))).to.equal("NotInWindow");
      await stage.at(await stage.secondOf(key, 0, "tally"));
      await stage.send(stage.meter.tally(key, 0));
      expect(await errorOf(stage.meter.tally(key, 0))).to.equal("NotNext");
      expect(await units()).to.equal(10_000n);
      await later(20 * PERIOD);
      for (const period of [1, 4_294_967_295]) expect(await errorOf(stage.meter.tally(key, period))).to.equal("NotNext");
    });

    it("tally: in the order of time, none passed over, over gaps that nobody attested", async () => {
      const key = await stage.begin();
      for (const period of [0, 3, 4]) await stage.attest(key, period, [FULL, FULL - period]);
      for (const period of [3, 4, 1]) expect(await errorOf(stage.meter.tally(key, period))).to.equal("NotNext");
      for (const period of [0, 3]) await stage.send(stage.meter.tally(key, period));
      await stage.attest(key, 1_000, [FULL, FULL]);
      expect(await errorOf(stage.meter.tally(key, 1_000))).to.equal("NotNext");
      for (const period of [4, 1_000]) await stage.send(stage.meter.tally(key, period));
      await stage.settle(key, 1_002, [1_000, 1_000]);
      expect(await units()).to.equal(40_993n);
    });

    it("tally: an open panel is the first 16; its tally fits into a block many times", async () => {
      const key = await stage.begin({ panel: [], quorum: 9, badPeriods: 1 });
      await stage.attest(key, 0, Array.from({ length: 16 }, (_, index) => (index < 8 ? 0 : SILENT)), []);
      await stage.send(stage.meter.tally(key, 0));
      await stage.at(await stage.secondOf(key, 1, "commit"));
      for (const validator of stage.validators.slice(0, 16)) await stage.send(stage.by(validator).commit(key, [], 1, await stage.commitment(key, 1, validator, FULL)));
      expect(await errorOf(stage.by(stage.validators[16]!).commit(key, [], 1, wordOf(1n << 200n)))).to.equal("PanelFull");
      await stage.at(await stage.secondOf(key, 1, "tally"));
      const { gasUsed } = await stage.send(stage.meter.tally(key, 1));
      expect(gasUsed).to.be.lessThan(1_000_000n);
      expect(await stage.meter.burned()).to.equal(24n * PENALTY);
    });

    it("withdrawBurned: what was burned goes where nobody has a key", async () => {
      expect(await errorOf(stage.meter.withdrawBurned())).to.equal("NothingBurned");
      await stage.settle(await stage.begin(), 0, [SILENT]);
      const [grave, before] = [await stage.meter.BURN_ADDRESS(), await stage.connection.ethers.provider.getBalance(await stage.meter.BURN_ADDRESS())];
      await stage.send(stage.meter.withdrawBurned());
      expect((await stage.connection.ethers.provider.getBalance(grave)) - before).to.equal(PENALTY);
    });
  });

  describe("hasFailed", () => {
    it("hasFailed: after bad periods in a row; a good one ends the row, one without a quorum or that nobody saw does not", async () => {
      const key = await stage.begin({ badPeriods: 2 });
      const story: readonly (readonly [number, readonly (number | undefined)[], boolean])[] = [
        [0, [8_999, 8_999, 8_999], false],
        [1, [9_000, 9_000, 8_950], false],
        [2, [8_999, 8_999], false],
        [3, [FULL], false],
        [6, [0, 0, 0], true],
      ];
      for (const [period, values, expected] of story) {
        await stage.settle(key, period, values);
        expect(await hasFailed(), `period ${period}`).to.equal(expected);
      }
    });

    it("hasFailed: a half of the panel cannot make it fail", async () => {
      const panel = stage.panel(4);
      const key = await stage.begin({ panel, quorum: 3, badPeriods: 1 });
      await stage.settle(key, 0, [0, 0, FULL, FULL], panel);
      expect(await hasFailed()).to.equal(false);
    });

    it("hasFailed: for good, with units that stay; what was open is settled, and nothing is committed", async () => {
      const key = await stage.begin({ badPeriods: 1 });
      await stage.attest(key, 0, [10, 10, 10]);
      await stage.attest(key, 1, [FULL, FULL, SILENT]);
      for (const period of [0, 1]) await stage.send(stage.meter.tally(key, period));
      expect([await hasFailed(), await units()]).to.deep.equal([true, 10n]);
      expect(await stage.stakes(3)).to.deep.equal([MIN_STAKE, MIN_STAKE, MIN_STAKE - PENALTY]);
      await stage.at(await stage.secondOf(key, 2, "commit"));
      expect(await errorOf(stage.by(stage.validators[0]!).commit(key, stage.panel(3), 2, wordOf(1n << 200n)))).to.equal("EngagementOver");
    });
  });

  describe("ValidatorMeter", () => {
    it("unitsOf, hasFailed: counts what was within the tolerance since its beginning, and the slashes", async () => {
      const { validatorMeter, board, boardAddress } = stage;
      const key = await stage.begin({ badPeriods: 100 }, 1n);
      await stage.settle(key, 0, [FULL, FULL, FULL]);
      const hired = stage.validators[2]!;
      await stage.send(board.begin(await validatorMeter.getAddress(), 2n, hired.address, AGENT_ID, encodeValidatorTerms({ board: boardAddress, id: 1n, maxSlashed: 1 })));
      const now = async (): Promise<readonly [bigint, boolean]> => [await validatorMeter.unitsOf(boardAddress, 2n), await validatorMeter.hasFailed(boardAddress, 2n)];
      expect(await now()).to.deep.equal([0n, false]);
      await stage.settle(key, 1, [FULL, FULL, FULL]);
      await stage.settle(key, 2, [FULL, FULL, 0]);
      expect(await now()).to.deep.equal([1n, false]);
      await stage.settle(key, 3, [undefined, undefined, FULL]);
      await stage.settle(key, 4, [FULL, FULL, SILENT]);
      expect(await now()).to.deep.equal([1n, true]);
      const again = await stage.begin({}, 1n);
      await stage.settle(again, 0, [FULL, undefined, FULL]);
      expect(await now()).to.deep.equal([2n, true]);
      expect([await validatorMeter.unitsOf(boardAddress, 77n), await validatorMeter.hasFailed(boardAddress, 77n)]).to.deep.equal([0n, false]);
    });
  });
});

import { expect } from "chai";

import { decidePressure } from "../../../chain/transactions/decidePressure.ts";
import { decide, DEFAULT_POLICY } from "../../../services/watchtower/decide/decide.ts";
import type { Respond, TowerAction, TowerPolicy } from "../../../services/watchtower/decide/decide.ts";
import { ANSWER_PRESSURE, timedAnswers } from "../../../services/watchtower/decide/timedAnswers.ts";
import { CHANNEL_STATUS } from "../../../services/watchtower/decide/Dispute.ts";
import type { ChannelMark, Dispute, HeldState } from "../../../services/watchtower/decide/Dispute.ts";
import { NO_END } from "../../../services/watchtower/store/TowerStore.ts";
import { TowerChannel } from "../../builders/towerChannel.ts";

const GWEI = 1_000_000_000n;
const START = 10_000;
const WINDOW = 1_000;
const NO_LOCKS = `0x${"00".repeat(32)}`;
const OTHER_LOCKS = `0x${"11".repeat(32)}`;
const address = new Uint8Array(20).fill(1);
const channel = new TowerChannel({ chainId: 1, adjudicator: address, towerBond: address }, "decided");
const LOCK = { hashlock: new Uint8Array(32).fill(7), amount: 30, expiry: START + WINDOW };

const CLOSING: ChannelMark = {
  status: CHANNEL_STATUS.CLOSING, isExtended: false, isUnilateral: true, deadline: START + WINDOW, version: 1,
  net: [1_000, 1_000], sequence: [0, 0], paid: [10, 20], highestPaid: [10, 20], locksHash: [NO_LOCKS, NO_LOCKS],
};

function held(side: 0 | 1, parts: Parameters<TowerChannel["state"]>[1], validUntil = NO_END): HeldState {
  return { state: channel.state(side, parts), validUntil, until: NO_END };
}

const NEWEST = held(0, { base: channel.base(1, 10, 20), voucher: { sequence: 9, paid: 90 } });

function dispute(change: Partial<Dispute> & { readonly marked?: Partial<ChannelMark> } = {}): Dispute {
  const { marked, ...rest } = change;
  return {
    channelId: channel.idText, windowSeconds: WINDOW, now: START + 10, mark: { ...CLOSING, ...marked }, held: [NEWEST],
    lanes: [undefined, undefined], load: [{ pending: 0, isStuck: false }, { pending: 0, isStuck: false }], unitWei: GWEI, ...rest,
  };
}

function typesOf(actions: readonly TowerAction[]): string[] {
  return actions.map((action) => (action.type === "alarm" ? action.alarm.code : action.type));
}

function responseTo(state: Dispute, policy: Partial<TowerPolicy> = {}): Respond | undefined {
  return decide(state, { ...DEFAULT_POLICY, ...policy }).find((action) => action.type === "respond");
}

describe("what a tower decides", () => {
  it("close: answers less with the newest voucher, in the least busy lane, worth what the client would lose", () => {
    const answer = responseTo(dispute({ load: [{ pending: 3, isStuck: false }, { pending: 0, isStuck: false }] }));
    expect(answer?.lanes).to.deep.equal([1]);
    expect(answer?.update.base).to.equal(undefined);
    expect(answer?.update.vouchers?.[0]?.paid).to.equal(90);
    expect(answer?.riskWei).to.equal(70n * GWEI);
  });

  it("close: is not answered when it records as much, when the channel is open, and after the deadline", () => {
    expect(typesOf(decide(dispute({ marked: { paid: [10, 90] } }), DEFAULT_POLICY))).to.deep.equal(["watch"]);
    expect(typesOf(decide(dispute({ marked: { version: 2, paid: [0, 0] } }), DEFAULT_POLICY))).to.deep.equal(["watch"]);
    expect(typesOf(decide(dispute({ marked: { status: CHANNEL_STATUS.OPEN } }), DEFAULT_POLICY))).to.deep.equal(["over"]);
    expect(typesOf(decide(dispute({ now: START + WINDOW }), DEFAULT_POLICY))).to.deep.equal(["watch"]);
  });

  it("base: a higher version goes in with the vouchers under it, of both clients", () => {
    const mine = held(0, { base: channel.base(3, 50, 60), voucher: { sequence: 12, paid: 65 } });
    const theirs = held(1, { base: channel.base(3, 50, 60), voucher: { sequence: 4, paid: 55 } });
    const older = held(1, { base: channel.base(2, 40, 60), voucher: { sequence: 3, paid: 45 } });
    const answer = responseTo(dispute({ held: [mine, theirs] }));
    expect(answer?.rank).to.deep.equal({ version: 3, sequence: [0, 0], paid: [55, 65] });
    expect(responseTo(dispute({ held: [mine, older] }))?.update.vouchers?.map(({ payer }) => payer)).to.deep.equal([1]);
  });

  it("locks: a voucher that changes them goes in only endorsed, and with a higher sequence", () => {
    const plain = dispute({ marked: { locksHash: [NO_LOCKS, OTHER_LOCKS] } });
    expect(responseTo(plain)).to.equal(undefined);
    const endorsed = held(0, { base: channel.base(1, 10, 20), voucher: { sequence: 9, paid: 90, locks: [LOCK] }, endorsed: true });
    expect(responseTo(dispute({ held: [endorsed] }))?.rank).to.deep.equal({ version: 1, sequence: [0, 9], paid: [10, 90] });
    expect(responseTo(dispute({ held: [endorsed] }))?.riskWei).to.equal(100n * GWEI);
    expect(responseTo(dispute({ held: [endorsed], marked: { sequence: [0, 9], locksHash: [NO_LOCKS, OTHER_LOCKS] } }))).to.equal(undefined);
    expect(responseTo(dispute({ held: [endorsed], marked: { paid: [10, 121] } })), "more was paid than the client knows").to.equal(undefined);
  });

  it("grants: what has expired is not handed in", () => {
    expect(responseTo(dispute({ held: [{ ...NEWEST, validUntil: START + 9 }] }))).to.equal(undefined);
  });

  it("backup: waits for its part of the window, unless its own answer is out already", () => {
    const policy = { ...DEFAULT_POLICY, actAfter: 0.5 };
    expect(decide(dispute(), policy)).to.deep.equal([{ type: "wait", until: START + 500 }]);
    expect(responseTo(dispute({ now: START + 500 }), policy)).to.not.equal(undefined);
    const extended = dispute({ now: START + 400, marked: { isExtended: true, deadline: START + WINDOW + WINDOW / 2 } });
    expect(typesOf(decide(extended, policy))).to.deep.equal(["wait"]);
  });

  it("lanes: an answer that waits for long goes out by a spare one too, a stuck one last", () => {
    const waiting = (since: number) => ({ pendingSince: since, isMined: false });
    expect(responseTo(dispute({ lanes: [waiting(START), undefined], now: START + 100 }))?.lanes).to.deep.equal([0]);
    expect(responseTo(dispute({ lanes: [waiting(START), undefined], now: START + 125 }))?.lanes).to.deep.equal([0, 1]);
    expect(responseTo(dispute({ lanes: [waiting(START), waiting(START + 100)], now: START + 130 }))?.lanes).to.deep.equal([0, 1]);
    expect(responseTo(dispute({ load: [{ pending: 0, isStuck: true }, { pending: 5, isStuck: false }] }))?.lanes).to.deep.equal([1]);
  });

  it("alarms: little time left; a channel that closed below a promise, and none for what was not promised", () => {
    expect(typesOf(decide(dispute({ now: START + 751 }), DEFAULT_POLICY))).to.deep.equal(["tower/near-deadline", "respond"]);
    const closed = { status: CHANNEL_STATUS.CLOSED };
    expect(typesOf(decide(dispute({ marked: closed }), DEFAULT_POLICY))).to.deep.equal(["tower/late", "over"]);
    expect(typesOf(decide(dispute({ marked: { ...closed, highestPaid: [10, 90] } }), DEFAULT_POLICY))).to.deep.equal(["over"]);
    expect(typesOf(decide(dispute({ marked: { ...closed, isUnilateral: false } }), DEFAULT_POLICY))).to.deep.equal(["over"]);
    expect(typesOf(decide(dispute({ marked: closed, held: [{ ...NEWEST, until: START }] }), DEFAULT_POLICY))).to.deep.equal(["over"]);
  });

  it("fees: calm at first, then rising with every second up to what is at stake, never beyond", () => {
    const limits = { calmCapWei: 100n * GWEI, maxCapWei: 5_000n * GWEI, stakeWei: 0n };
    const answer: Respond = { ...responseTo(dispute())!, riskWei: 400_000n * 1_000n * GWEI };
    const capAt = (now: number, change: Partial<Respond> = {}): bigint => decidePressure(timedAnswers([{ ...answer, ...change }]), now, ANSWER_PRESSURE, limits)!.maxFeeCapWei;
    expect(capAt(START)).to.equal(100n * GWEI);
    expect(capAt(START + 500)).to.equal(550n * GWEI);
    expect(capAt(START + 750)).to.equal(1_000n * GWEI);
    expect(capAt(START + 999)).to.equal(1_000n * GWEI);
    expect(capAt(START + 999, { riskWei: 10n ** 24n })).to.equal(5_000n * GWEI);
    expect(capAt(START + 999, { riskWei: 400_000n * 3n * GWEI })).to.equal(3n * GWEI);
    expect(capAt(START + 999, { riskWei: undefined })).to.equal(0n);
    const { bumpAfterMs } = decidePressure(timedAnswers([answer]), START + 984, ANSWER_PRESSURE, limits)!;
    expect(bumpAfterMs).to.equal(1_000);
    expect(decidePressure([], START, ANSWER_PRESSURE, limits)).to.equal(undefined);
  });
});

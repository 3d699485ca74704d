import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";

import { configStruct, lockStructs, updateStruct } from "../../chain/channels/channelStructs.ts";
import type { SignedUpdate } from "../../chain/channels/SignedState.ts";
import { checkTowerState } from "../../chain/tower/checkTowerState.ts";
import { receiptDigest, towerDomainSeparator } from "../../chain/tower/towerDigests.ts";
import { otherSide, rankOf, updateOf } from "../../chain/tower/TowerState.ts";
import type { TowerReceipt, TowerState } from "../../chain/tower/TowerState.ts";
import { channelDomainSeparator, locksHashOf } from "../../core/channel/index.ts";
import type { Lock, Side } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { recoverAddress, signDigest } from "../../runtime/crypto/secp.ts";
import { betterUpdate } from "../../services/watchtower/decide/betterUpdate.ts";
import type { ChannelMark, HeldState } from "../../services/watchtower/decide/Dispute.ts";
import { NO_END, TowerStore } from "../../services/watchtower/store/TowerStore.ts";
import { TowerError } from "../../services/watchtower/TowerError.ts";
import type { ChannelAdjudicator, TowerBond } from "../../typechain-types/index.ts";
import { Random } from "../differential/scenario/Random.ts";
import { testKey, TowerChannel } from "../builders/towerChannel.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env["TOWER_ROUNDS"] ?? 40);
const SLEEPY_ROUNDS = 15;
const DAY = 86_400;
const STEPS = 14;
const CLOSING = 2;

/** A promise of the tower, with what was shown to it. */
interface Promised {
  readonly receipt: TowerReceipt;
  readonly state: TowerState;
}

describe("TowerBond and an honest tower", function () {
  this.timeout(180_000);
  let connection: Awaited<ReturnType<typeof hre.network.create>>;
  let adjudicator: ChannelAdjudicator;
  let bond: TowerBond;
  let owner: string;
  let dir: string;
  let store: TowerStore;
  const random = new Random(SEED);
  const signer = testKey("an honest tower");
  /** Every list of locks that was made, by its hash. */
  const lists = new Map<string, readonly Lock[]>([[`0x${"00".repeat(32)}`, []]]);

  before(async () => {
    connection = await hre.network.create();
    adjudicator = (await connection.ethers.deployContract("ChannelAdjudicator")) as unknown as ChannelAdjudicator;
    bond = (await connection.ethers.deployContract("TowerBond", [await adjudicator.getAddress(), 1n, 30 * DAY, 90 * DAY])) as unknown as TowerBond;
    owner = (await connection.ethers.getSigners())[0]!.address;
    await (await bond.bond(signer.wallet.address, { value: 1n })).wait();
    dir = mkdtempSync(join(tmpdir(), "agnt2-honest-"));
    store = new TowerStore(dir, { maxChannels: 10_000, maxSealed: 1, maxPerLocator: 1 }, (error) => expect.fail(error.message));
  });
  after(async () => {
    store.close();
    rmSync(dir, { recursive: true, force: true });
    await connection.close();
  });

  const pick = <T>(...choices: readonly T[]): T => choices[random.between(0, choices.length - 1)]!;
  const now = async (): Promise<number> => await connection.networkHelpers.time.latest();

  function randomLocks(): Lock[] {
    const locks = pick(true, true, false) ? [] : [{ hashlock: new Uint8Array(32).fill(random.between(1, 3)), amount: random.between(1, 40), expiry: 1 }];
    lists.set(toHex(locksHashOf(locks)), locks);
    return locks;
  }

  /** Anything that the two may sign together, contradictions included. */
  function randomState(channel: TowerChannel, side: Side): TowerState {
    const version = random.between(0, 2);
    const base = version === 0 ? undefined : channel.base(version, pick(0, 10, 30), pick(0, 10, 30));
    const voucher = pick(true, true, true, version === 0) ? { sequence: random.between(1, 12), paid: random.between(0, 60), locks: randomLocks() } : undefined;
    return channel.state(side, { ...(base === undefined ? {} : { base }), ...(voucher === undefined ? {} : { voucher }), endorsed: pick(true, false) });
  }

  async function markOf(channel: TowerChannel): Promise<ChannelMark> {
    const [state, recorded] = [await adjudicator.channelOf(channel.id), await adjudicator.recordedOf(channel.id)];
    return {
      status: Number(state.status), isExtended: state.isExtended, isUnilateral: state.isUnilateral, deadline: Number(state.deadline), version: Number(state.version),
      net: [Number(state.netA), Number(state.netB)],
      sequence: [Number(recorded.sequenceA), Number(recorded.sequenceB)],
      paid: [Number(recorded.paidByA), Number(recorded.paidByB)],
      highestPaid: [Number(recorded.highestPaidByA), Number(recorded.highestPaidByB)],
      locksHash: [recorded.locksHashA, recorded.locksHashB],
    };
  }

  /** As the intake does: what could not be handed in, or does not go beyond what is kept, gets no promise. */
  async function submit(channel: TowerChannel, state: TowerState, held: (HeldState | undefined)[]): Promise<Promised | undefined> {
    try {
      checkTowerState(state, channelDomainSeparator(channel.domain), recoverAddress);
      const { version, sequence, paid } = rankOf(state);
      const { base } = state;
      await store.putWatched({
        channelId: channel.idText, side: state.side, home: 0, version, sequence, paid, basePaidA: base?.paidByA ?? 0, basePaidB: base?.paidByB ?? 0,
        isEndorsed: state.voucher?.endorsement === undefined ? 0 : 1, validUntil: NO_END, until: NO_END, body: "",
      });
    } catch (error) {
      if (error instanceof TowerError || (error as { code?: string }).code?.startsWith("tower/") === true) return undefined;
      throw error;
    }
    held[state.side] = { state, validUntil: NO_END, until: NO_END };
    const from = await now();
    return { state, receipt: { channelId: channel.id, side: state.side, ...rankOf(state), from, until: from + 30 * DAY } };
  }

  /** Somebody hands something in; what the contract does not take changes nothing. */
  async function tryTo(call: () => Promise<{ wait(): Promise<unknown> }>): Promise<boolean> {
    try {
      await (await call()).wait();
      return true;
    } catch (error) {
      if (!/revert/.test(String(error))) throw error;
      return false;
    }
  }

  /** Hands in what is better until nothing is; the adjudicator takes each. */
  async function answer(channel: TowerChannel, held: readonly (HeldState | undefined)[]): Promise<number> {
    for (let answers = 0; ; answers += 1) {
      const better = betterUpdate(await markOf(channel), held.filter((state) => state !== undefined), await now());
      if (better === undefined) return answers;
      expect(answers, `seed ${SEED}: it never ends`).to.be.below(4);
      await (await adjudicator.respond(configStruct(channel.config), updateStruct(better.update))).wait();
    }
  }

  interface Played {
    readonly promises: number;
    readonly answers: number;
    /** Receipts that slash the tower. */
    readonly slashing: number;
  }

  /** One channel of two who collude, watched by a tower that is awake or sleeps. */
  async function play(round: number, isAwake: boolean): Promise<Played> {
    let answers = 0;
    const domain = { chainId: 31_337, adjudicator: fromHex(await adjudicator.getAddress()), towerBond: fromHex(await bond.getAddress()) };
    const channel = new TowerChannel(domain, "colluding", { salt: round, windowSeconds: 10_000 });
    const config = configStruct(channel.config);
    const parties = channel.parties.map(({ wallet }) => wallet.connect(connection.ethers.provider));
    for (const { address } of parties) await connection.networkHelpers.setBalance(address, 10n ** 20n);
    const as = (side: Side): ChannelAdjudicator => adjudicator.connect(parties[side]!) as ChannelAdjudicator;
    for (const side of [0, 1] as const) await (await adjudicator.open(config, side, 100, { value: 100n * BigInt(channel.config.unit) })).wait();

    const held: (HeldState | undefined)[] = [undefined, undefined];
    const promised: Promised[] = [];
    const update = (): SignedUpdate => updateOf(randomState(channel, pick<Side>(0, 1)));
    for (let step = 0; step < STEPS; step += 1) {
      const who = pick<Side>(0, 1);
      const promise = pick(true, true, false) ? await submit(channel, randomState(channel, who), held) : undefined;
      if (promise !== undefined) promised.push(promise);
      else if (pick(true, false, false)) await tryTo(() => as(who).checkpoint(config, updateStruct(update())));
    }
    const challenger = pick<Side>(0, 1);
    const isShown = await tryTo(() => as(challenger).challenge(config, updateStruct(update()), challenger, []));
    if (!isShown) await (await as(challenger).challenge(config, updateStruct({}), challenger, [])).wait();
    expect((await markOf(channel)).status).to.equal(CLOSING);
    for (let turn = 0; turn < 3; turn += 1) {
      if (isAwake) answers += await answer(channel, held);
      const who = pick<Side>(0, 1);
      await tryTo(() => as(who).respond(config, updateStruct(update())));
    }
    if (isAwake) answers += await answer(channel, held);
    const mark = await markOf(channel);
    await connection.networkHelpers.time.increaseTo(mark.deadline + 4 * channel.config.windowSeconds);
    const [locksA, locksB] = mark.locksHash.map((hash) => lockStructs(lists.get(hash)!));
    await (await adjudicator.close(config, locksA!, locksB!)).wait();
    let slashing = 0;
    for (const { receipt, state } of promised) {
      const signature = signDigest(receiptDigest(towerDomainSeparator(domain), receipt), signer.key);
      const failure = await bond.slash.staticCall(owner, { ...receipt, channelId: toHex(receipt.channelId) }, signature, config, updateStruct(updateOf(state))).then(() => "slashed", (error: unknown) => String(error));
      const told = `seed ${SEED}, round ${round}: receipt ${receipt.version}/${receipt.sequence}/${receipt.paid} against ${JSON.stringify({ ...mark, side: otherSide(receipt.side) })}`;
      if (isAwake) expect(failure, told).to.match(/NotBelow/);
      else expect(failure, told).to.match(/NotBelow|slashed/);
      if (failure === "slashed") slashing += 1;
    }
    return { promises: promised.length, answers, slashing };
  }

  async function playAll(firstRound: number, rounds: number, isAwake: boolean): Promise<Played> {
    const sum = { promises: 0, answers: 0, slashing: 0 };
    for (let round = firstRound; round < firstRound + rounds; round += 1) {
      const played = await play(round, isAwake);
      for (const name of ["promises", "answers", "slashing"] as const) sum[name] += played[name];
    }
    return sum;
  }

  it(`collusion: whatever two parties sign and hand in, in ${ROUNDS} random channels, no receipt of a tower that is awake slashes it`, async () => {
    const { promises, answers, slashing } = await playAll(0, ROUNDS, true);
    expect(promises).to.be.greaterThan(ROUNDS);
    expect(answers).to.be.greaterThan(ROUNDS / 3);
    expect(slashing).to.equal(0);
  });

  it("sleep: in such channels a tower that answers nothing is slashed by many of its receipts", async () => {
    const { promises, slashing } = await playAll(ROUNDS, SLEEPY_ROUNDS, false);
    expect(slashing).to.be.within(SLEEPY_ROUNDS / 5, promises);
  });
});

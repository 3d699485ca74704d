import { Interface } from "ethers";

import { configStruct, updateStruct } from "../../../chain/channels/channelStructs.ts";
import { channelAdjudicatorAbi } from "../../../chain/generated/abi/ChannelAdjudicator.ts";
import { askableId } from "../../../chain/transactions/askableId.ts";
import { decidePressure } from "../../../chain/transactions/decidePressure.ts";
import type { FeeLimits } from "../../../chain/transactions/decidePressure.ts";
import type { LanePressure, TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import type { ChannelConfig } from "../../../core/channel/index.ts";
import type { UpdateRank } from "../decide/betterUpdate.ts";
import type { Respond } from "../decide/decide.ts";
import { ANSWER_PRESSURE, timedAnswers } from "../decide/timedAnswers.ts";
import type { ChannelMark, Dispute, LaneUse } from "../decide/Dispute.ts";
import { CHANNEL_STATUS } from "../decide/Dispute.ts";

const adjudicator = new Interface(channelAdjudicatorAbi);

/** The name of a wish: this state recorded in this channel. */
export function intentIdOf(channelId: string, { version, sequence, paid }: UpdateRank): string {
  return ["respond", channelId, version, ...sequence, ...paid].join(":");
}

/** What an intent of this tower wants; undefined for others, e.g. those that fill a nonce. */
export function wishOf(intentId: string): { readonly channelId: string; readonly rank: UpdateRank } | undefined {
  const [type, channelId, ...numbers] = intentId.split("#")[0]!.split(":");
  if (type !== "respond" || channelId === undefined) return undefined;
  const [version = 0, sequenceA = 0, sequenceB = 0, paidA = 0, paidB = 0] = numbers.map(Number);
  return { channelId, rank: { version, sequence: [sequenceA, sequenceB], paid: [paidA, paidB] } };
}

/** Whether a wish is fulfilled, or cannot be any more. */
export function isAnswered(mark: ChannelMark, { version, sequence, paid }: UpdateRank): boolean {
  if (mark.status !== CHANNEL_STATUS.CLOSING) return true;
  if (mark.version !== version) return mark.version > version;
  return ([0, 1] as const).every((side) => mark.sequence[side] >= sequence[side] && mark.highestPaid[side] >= paid[side]);
}

/** Answers on their way, by lane: one account each, so that a transaction that is stuck holds up only those behind it. */
export class Answers {
  readonly #managers: readonly TransactionManager[];
  readonly #address: string;
  /** L1 time at which an intent was first seen on its way, by lane. */
  readonly #askedAt: readonly Map<string, number>[];
  readonly #current = new Map<string, Respond>();
  #now = 0;
  readonly #limits: FeeLimits;

  constructor(managers: readonly TransactionManager[], adjudicatorAddress: string, limits: FeeLimits) {
    [this.#managers, this.#address, this.#limits] = [managers, adjudicatorAddress, limits];
    this.#askedAt = managers.map(() => new Map<string, number>());
  }

  get laneCount(): number {
    return this.#managers.length;
  }

  /** Transactions that are not in the chain. */
  get pending(): number {
    return this.#managers.reduce((sum, manager) => sum + manager.status().pending, 0);
  }

  get openCount(): number {
    return this.#current.size;
  }

  setNow(now: number): void {
    this.#now = now;
  }

  /** How a wish stands in each lane. */
  usesOf(wish: string, now: number, headNumber: number): (LaneUse | undefined)[] {
    return this.#managers.map((manager, lane) => {
      const intentId = newestOf(wish, manager);
      const state = intentId === undefined ? undefined : manager.find(intentId);
      if (state === undefined) return undefined;
      if (state.mined !== undefined) return { pendingSince: undefined, isMined: state.mined.blockNumber <= headNumber };
      if (state.outcome !== undefined) return undefined;
      const since = this.#askedAt[lane]!.get(wish) ?? now;
      this.#askedAt[lane]!.set(wish, since);
      return { pendingSince: since, isMined: false };
    });
  }

  /** How busy each lane is; stuck when an answer in it has waited for longer than `patience` of its window. */
  load(now: number, patience: number): Dispute["load"] {
    return this.#managers.map((manager, lane) => {
      const isStuck = [...this.#current.values()].some(({ lanes, rank, windowSeconds, channelId }) => {
        const since = lanes.includes(lane) ? this.#askedAt[lane]!.get(intentIdOf(channelId, rank)) : undefined;
        return since !== undefined && now - since >= windowSeconds * patience;
      });
      return { pending: manager.status().pending, isStuck };
    });
  }

  /** Asks for an answer in its lanes; where it is under way nothing changes. Tells in how many it is new. */
  async ask(answer: Respond, config: ChannelConfig, now: number, headNumber: number): Promise<number> {
    const { channelId } = answer;
    this.#current.set(channelId, answer);
    const wish = intentIdOf(channelId, answer.rank);
    let asked = 0;
    for (const lane of answer.lanes) {
      const manager = this.#managers[lane]!;
      const id = askableId(wish, (intentId) => manager.find(intentId), headNumber);
      if (id === undefined) continue;
      if (!this.#askedAt[lane]!.has(wish)) this.#askedAt[lane]!.set(wish, now);
      const data = adjudicator.encodeFunctionData("respond", [configStruct(config), updateStruct(answer.update)]);
      if (manager.find(id) === undefined) asked += 1;
      await manager.submit({ id, to: this.#address, valueWei: 0n, data });
    }
    return asked;
  }

  /** The channel needs no answer as it stands. */
  forget(channelId: string): void {
    const answer = this.#current.get(channelId);
    if (answer === undefined) return;
    this.#current.delete(channelId);
    for (const asked of this.#askedAt) asked.delete(intentIdOf(channelId, answer.rank));
  }

  /** Limits of fees of a lane, for its TransactionManager. */
  pressureOf(lane: number): LanePressure | undefined {
    return decidePressure(timedAnswers([...this.#current.values()].filter(({ lanes }) => lanes.includes(lane))), this.#now, ANSWER_PRESSURE, this.#limits);
  }
}

/** The last id under which a wish was asked for. */
function newestOf(wish: string, manager: TransactionManager): string | undefined {
  let newest: string | undefined;
  for (let attempt = 0; ; attempt += 1) {
    const id = attempt === 0 ? wish : `${wish}#${attempt}`;
    if (manager.find(id) === undefined) return newest;
    newest = id;
  }
}

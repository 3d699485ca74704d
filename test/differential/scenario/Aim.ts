import type { ChannelDomain } from "../../../core/channel/index.ts";
import { MAX_CALL_SECONDS, MAX_UNITS } from "../../../core/generated/protocol.ts";
import type { Actor } from "./Actors.ts";
import type { Random } from "./Random.ts";
import type { Placed, StateView } from "./StateView.ts";

/** A record and the account that should send it. */
export interface Planned {
  readonly agent: number;
  /** Records before it in its bundle: what it is signed with. */
  readonly lead?: readonly Uint8Array[];
  readonly slot: Uint8Array;
}

/** Everything a generator needs to aim well. */
export interface Aim {
  readonly random: Random;
  readonly view: StateView;
  /** Accounts that exist, by index (1-based). */
  readonly agents: readonly number[];
  readonly cast: readonly Actor[];
  readonly channels: ChannelDomain;
  readonly l2Time: number;
}

export type Generator = (aim: Aim) => Planned;

export const someAgent = ({ random, agents }: Aim): number => random.pick(agents);
export const otherAgent = (aim: Aim, than: number): number => {
  if (aim.random.chance(0.04)) return than;
  if (aim.random.chance(0.04)) return aim.random.pick([0, 0xffffffff]);
  const others = aim.agents.filter((agent) => agent !== than);
  return others.length === 0 ? than : aim.random.pick(others);
};

export function amountFor(aim: Aim, agent: number): number | bigint {
  const { random } = aim;
  const balance = Number(aim.view.agent(agent)["balance"]);
  if (random.chance(0.05)) return random.pick([0n, 2n ** 64n - 1n, 2n ** 53n, BigInt(MAX_UNITS)]);
  if (random.chance(0.06)) return balance + random.between(1, 100);
  if (random.chance(0.04)) return balance;
  return random.below(Math.max(2, Math.floor(balance / 20)));
}

export function deadlineFor({ random, l2Time }: Aim): number {
  if (random.chance(0.05)) return random.pick([0, l2Time - 1, l2Time + MAX_CALL_SECONDS + 1, 0xffffffff]);
  if (random.chance(0.1)) return random.pick([l2Time, l2Time + MAX_CALL_SECONDS]);
  return l2Time + random.between(0, 250);
}

/** Mostly a live object, sometimes one that is gone, never was, or lies outside the tree. */
export function referenceTo({ random }: Aim, placed: readonly Placed[]): { slot: number; id: number | bigint; target: Placed | undefined } {
  if (placed.length === 0 || random.chance(0.06)) {
    return { slot: random.pick([0, 1, 2, 3, 4 ** 12, 0xffffffff]), id: random.pick([0n, 1n, 2n, 2n ** 64n - 1n]), target: undefined };
  }
  const target = random.pick(placed);
  const id = target.fields["id"] as number;
  if (random.chance(0.04)) return { slot: target.slot, id: id + 1, target };
  return { slot: target.slot, id, target };
}

export const preferring = ({ random }: Aim, wanted: readonly Placed[], all: readonly Placed[]): readonly Placed[] =>
  wanted.length > 0 && random.chance(0.75) ? wanted : all;

/** The party that may do it, sometimes a stranger. */
export function partyOr(aim: Aim, target: Placed | undefined, field: string): number {
  if (target === undefined || aim.random.chance(0.1)) return someAgent(aim);
  return target.fields[field] as number;
}

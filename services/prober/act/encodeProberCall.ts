import { Interface } from "ethers";

import { uptimeMeterAbi } from "../../../chain/generated/abi/UptimeMeter.ts";
import type { Intent } from "../../../chain/transactions/intent.ts";
import { uptimeCommitment } from "../../../chain/uptime/uptimeHashes.ts";
import type { MeterDomain } from "../../../chain/uptime/uptimeHashes.ts";
import type { ProberCall, Secret } from "../decide/ProberState.ts";

const meter = new Interface(uptimeMeterAbi);

const TYPES = ["join", "unbond", "withdrawStake", "commit", "reveal", "tally", "publish"] as const satisfies readonly ProberCall["type"][];

/** Fixed, since an estimate is made with the time of the last block, which may be before the phase. With room over test/gas/uptime.gas.ts. */
const GAS = { join: 100_000n, unbond: 80_000n, withdrawStake: 100_000n, commit: 250_000n, reveal: 120_000n, tally: 1_000_000n, publish: 400_000n } as const;

/** What is done for a period of an engagement; the others are done for all of the stake. */
export type PeriodCall = Extract<ProberCall, { readonly key: string }>;

export function isPeriodCall(call: ProberCall): call is PeriodCall {
  return "key" in call;
}

/** The wish behind a call; asking for it twice is asking once. */
export function intentIdOf(call: ProberCall): string {
  return isPeriodCall(call) ? `${call.type}:${call.key}:${call.period}` : call.type;
}

/** What an intent's id says, without the number of its try. */
export function purposeOf(intentId: string): { readonly type: ProberCall["type"]; readonly key: string; readonly period: number } | undefined {
  const [name, key = "", period = "0"] = intentId.split("#")[0]!.split(":");
  const type = TYPES.find((each) => each === name);
  return type === undefined ? undefined : { type, key, period: Number(period) };
}

export interface EncodeOptions {
  readonly domain: MeterDomain;
  readonly validator: string;
  readonly panelOf: (key: string) => readonly string[];
  /** Of a commit: on disk already. */
  readonly secret?: Secret;
}

/** @param call as it was decided */
export function encodeProberCall(call: ProberCall, { domain, validator, panelOf, secret }: EncodeOptions): Omit<Intent, "id"> {
  const rest = { to: domain.meter, gasLimit: GAS[call.type] };
  switch (call.type) {
    case "join":
      return { ...rest, valueWei: call.valueWei, data: meter.encodeFunctionData("join") };
    case "unbond":
      return { ...rest, valueWei: 0n, data: meter.encodeFunctionData("unbond") };
    case "withdrawStake":
      return { ...rest, valueWei: 0n, data: meter.encodeFunctionData("withdrawStake", [validator]) };
    case "commit": {
      const { uptimeBps, salt } = secret!;
      const commitment = uptimeCommitment(domain, { key: call.key, period: call.period, validator, uptimeBps, salt });
      return { ...rest, valueWei: 0n, data: meter.encodeFunctionData("commit", [call.key, [...panelOf(call.key)], call.period, commitment]) };
    }
    case "reveal":
      return { ...rest, valueWei: 0n, data: meter.encodeFunctionData("reveal", [call.key, call.period, call.secret.uptimeBps, call.secret.salt]) };
    case "tally":
      return { ...rest, valueWei: 0n, data: meter.encodeFunctionData("tally", [call.key, call.period]) };
    case "publish":
      return { ...rest, valueWei: 0n, data: meter.encodeFunctionData("publish", [call.key, call.period, call.salt]) };
  }
}

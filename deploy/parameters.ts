import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { isAddress } from "ethers";
import { z } from "zod";

import { FIRST_OPCODE, OP } from "../core/generated/protocol.ts";
import { DeployError } from "./DeployError.ts";

const FEE_ENTRIES = 24;
const DAY_SECONDS = 86_400;
const MAX_U32 = 0xffff_ffff;

const address = z.string().refine((text) => isAddress(text), "is no address");
const wei = z.string().regex(/^\d+$/, "is no whole number in a string");
const seconds = z.number().int().nonnegative().max(MAX_U32);
const fee = z.number().int().nonnegative().max(MAX_U32);

/** What a parameter file may say; README has the table. Amounts are base units in strings, times are seconds, fees are units. */
const schema = z.strictObject({
  /** The L1 chains that these parameters are meant for; absent: any. */
  chainIds: z.array(z.number().int().positive()).optional(),
  sequencer: z.union([z.literal("deployer"), z.literal("anyone"), address]),
  feeRecipient: z.union([z.literal("deployer"), z.literal("none"), address]),
  /** May delay payouts for `guardianSeconds` in all, and nothing else. */
  guardian: z.union([z.literal("deployer"), z.literal("none"), address]),
  /** The ERC-8004 registries: those that the L1 has, or new ones; without identities there is no economy. */
  identityRegistry: z.union([z.literal("deploy"), z.literal("none"), address]),
  reputationRegistry: z.union([z.literal("deploy"), address]),
  validationRegistry: z.union([z.literal("deploy"), address]),
  /** May replace the code of registries that are deployed. */
  registryOwner: z.union([z.literal("deployer"), address]),
  /** Jobs, bounties, meters, proofs of service. */
  economy: z.enum(["deploy", "none"]),
  /** "deploy": play money that is paid by signature (EIP-3009). */
  testDollar: z.enum(["deploy", "none"]),
  /** May set the fee of later jobs and bounties, and nothing else. */
  marketOwner: z.union([z.literal("deployer"), address]),
  marketFeeBps: z.number().int().nonnegative().max(500),
  marketFeeRecipient: z.union([z.literal("deployer"), z.literal("none"), address]),
  /** Burned for each call that is proven to L1. */
  proofFeeWei: wei,
  /** The most that the feedback of one client weighs, in proven calls. */
  maxWeight: z.number().int().positive().max(MAX_U32),
  /** What a validator that measures uptime puts up. */
  validatorStakeWei: wei,
  validatorUnbondingSeconds: seconds.max(365 * DAY_SECONDS),
  /** "test" deploys an ERC-20 that anyone may mint. */
  asset: z.union([z.literal("ETH"), z.literal("test"), address]),
  assetScale: wei,
  forcedSlotFeeWei: wei,
  /** Bond of the first entry of a round. */
  bondWei: wei,
  /** What a whole game costs the honest side in gas at the price cap. */
  gasRefundWei: wei,
  rewardCapWei: wei,
  /** The gas of the answer to a move at the price cap. */
  moveBondWei: wei,
  /** Bond of a sequencer; "0": the chain has no operators, and `sequencer` says who submits. */
  operatorBondWei: wei,
  epochSteps: z.number().int().positive(),
  epochAgeSeconds: seconds,
  inclusionDelaySeconds: seconds.min(16).max(30 * DAY_SECONDS),
  windowSeconds: seconds.positive().max(365 * DAY_SECONDS),
  /** D: claims can be backed that much longer than rivals can be made. */
  joinSeconds: seconds.positive().max(365 * DAY_SECONDS),
  /** C0: thinking time of a player in one game; every move adds `incrementSeconds`. */
  clockSeconds: seconds.positive().max(365 * DAY_SECONDS),
  incrementSeconds: seconds.max(365 * DAY_SECONDS),
  /** k: parts of a bisection. */
  parts: z.number().int().min(2).max(64),
  payoutDelaySeconds: seconds,
  guardianSeconds: seconds.max(365 * DAY_SECONDS),
  /** Operators lead in turns, so long each. */
  slotSeconds: seconds.min(2).max(DAY_SECONDS),
  /** After so long without a batch of an operator anyone may submit. */
  vacancySeconds: seconds.max(30 * DAY_SECONDS),
  /** How long a leader may still submit in the slot after its own. */
  graceSeconds: seconds.max(DAY_SECONDS / 2),
  /** Fee by opcode name, `default` for the others. */
  feeTable: z.record(z.string(), fee),
});

/** The parameters of one chain, as a file states them. */
export type RollupParameters = z.infer<typeof schema>;

const folder = fileURLToPath(new URL("parameters/", import.meta.url));

function readJson(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new DeployError("PARAMETERS_INVALID", `${path} cannot be read as JSON: ${String(error)}`, { cause: error });
  }
}

/**
 * Reads `deploy/parameters/<network>.json`, or the file named; what it leaves out comes from `default.json`, and `overrides` win.
 * @throws DeployError `PARAMETERS_INVALID`
 */
export function loadParameters(network: string, file?: string, overrides: Partial<RollupParameters> = {}): RollupParameters {
  const ofNetwork = `${folder}${network}.json`;
  const path = file ?? (existsSync(ofNetwork) ? ofNetwork : undefined);
  const merged = { ...readJson(`${folder}default.json`), ...(path === undefined ? {} : readJson(path)), ...overrides };
  const parsed = schema.safeParse(merged);
  if (parsed.success) {
    feesOf(parsed.data);
    checkEconomy(parsed.data);
    return parsed.data;
  }
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "file"}: ${issue.message}`);
  throw new DeployError("PARAMETERS_INVALID", problems.join("; "));
}

function checkEconomy({ identityRegistry, reputationRegistry, validationRegistry, economy, marketFeeBps, marketFeeRecipient }: RollupParameters): void {
  const isNew = identityRegistry === "deploy" || identityRegistry === "none";
  if (isNew && (reputationRegistry !== "deploy" || validationRegistry !== "deploy")) {
    throw new DeployError("PARAMETERS_INVALID", "reputationRegistry and validationRegistry are about the agents of one identityRegistry: name that too");
  }
  if (economy === "deploy" && identityRegistry === "none") throw new DeployError("PARAMETERS_INVALID", 'economy "deploy" needs an identityRegistry');
  if (marketFeeBps > 0 && marketFeeRecipient === "none") throw new DeployError("PARAMETERS_INVALID", "marketFeeBps needs a marketFeeRecipient");
}

/**
 * The fee of each record opcode from FIRST_OPCODE on, in units.
 * @throws DeployError `PARAMETERS_INVALID` for a name that is no opcode
 */
export function feesOf(parameters: RollupParameters): number[] {
  const fees = new Array<number>(FEE_ENTRIES).fill(parameters.feeTable["default"] ?? 0);
  for (const [name, value] of Object.entries(parameters.feeTable)) {
    if (name === "default") continue;
    const index = ((OP as Readonly<Record<string, number>>)[name] ?? -1) - FIRST_OPCODE;
    if (index < 0 || index >= FEE_ENTRIES) throw new DeployError("PARAMETERS_INVALID", `feeTable.${name} is no operation with a fee`);
    fees[index] = value;
  }
  return fees;
}

/** Three words of eight u32, the first in the most significant bits, as the contracts hold the fees. */
export function packFees(fees: readonly number[]): [bigint, bigint, bigint] {
  const word = (first: number): bigint => fees.slice(first, first + 8).reduce((packed, value) => (packed << 32n) | BigInt(value), 0n);
  return [word(0), word(8), word(16)];
}

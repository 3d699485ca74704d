import { z } from "zod";

import { CHAIN_ERROR_CODES, describeChainError } from "../../../chain/ChainError.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { ERROR_TEXTS, FIRST_OPCODE, OP, RESERVED_OPCODES } from "../../../core/generated/protocol.ts";
import type { ApiContext } from "../ApiContext.ts";
import { listApiErrors } from "../ApiError.ts";
import { defineRoute } from "../Route.ts";
import type { AnyRoute } from "../Route.ts";
import { address, amount, count, hash, seconds } from "../schemas.ts";
import { claimSchema, claimView } from "../views/l1Views.ts";

const l1Schema = z.object({
  head: count.nullable().describe("Newest block of the endpoint"),
  derived: count.nullable().describe("Everything up to this block is taken over"),
  host: z.string().describe("Endpoint in use"),
});

const healthSchema = z.object({
  status: z.enum(["ok", "behind", "diverged"]),
  todo: z.string().nullable(),
  batchCount: count,
  l1: l1Schema,
});

/** Blocks that a replica may lag while it counts as current. */
const CURRENT_LAG_BLOCKS = 8;

function l1View(context: ApiContext): z.output<typeof l1Schema> {
  const { head, derived, host } = context.l1();
  return { head: head ?? null, derived: derived ?? null, host };
}

export function healthView(context: ApiContext): z.output<typeof healthSchema> {
  const l1 = l1View(context);
  const trouble = context.trouble();
  const isBehind = l1.head === null || l1.derived === null || l1.head - l1.derived > CURRENT_LAG_BLOCKS;
  const status = trouble !== undefined ? "diverged" : isBehind ? "behind" : "ok";
  const todo = trouble ?? (isBehind ? "wait; if it stays, check the L1 endpoint" : null);
  return { status, todo, batchCount: context.replica.batchCount, l1 };
}

function feesOf({ deployment, amounts }: ApiContext): Record<string, z.output<typeof amount>> {
  const names = Object.entries(OP).filter(([, op]) => op >= FIRST_OPCODE && op <= OP.SIGNATURE && !RESERVED_OPCODES.includes(op));
  return Object.fromEntries(names.map(([name, op]) => [name, amounts.ofUnits(deployment.config.feeTable[op - FIRST_OPCODE] ?? 0)]));
}

export const statusRoutes: readonly AnyRoute[] = [
  defineRoute({
    path: "/health",
    tag: "service",
    summary: "Whether this replica is current and agrees with what is claimed",
    answer: healthSchema,
    handle: (context) => healthView(context),
  }),
  defineRoute({
    path: "/v1/status",
    tag: "service",
    summary: "Where the chain is",
    answer: z.object({
      mode: z.literal("replica"),
      batchCount: count,
      stateRoot: hash,
      l2Time: seconds,
      agentCount: count,
      receiptCount: count,
      withdrawalCount: count,
      entries: z.object({ queued: count, consumed: count }),
      feeBalance: amount.describe("Fees collected and not swept"),
      latestConfirmed: claimSchema.nullable(),
      falseClaims: count.describe("Open claims that this replica denies"),
      l1: l1Schema,
    }),
    handle(context) {
      const { replica, amounts } = context;
      const { current, view, batchCount } = replica;
      const confirmed = view.latestConfirmed;
      return {
        mode: "replica" as const,
        batchCount,
        stateRoot: toHex(replica.rootAt(batchCount) ?? new Uint8Array(32)),
        l2Time: current.l2Time,
        agentCount: current.agentCount,
        receiptCount: current.machine("receiptCount"),
        withdrawalCount: current.machine("withdrawalCount"),
        entries: { queued: view.entries.length, consumed: current.machine("inboxCursor") },
        feeBalance: amounts.ofUnits(current.machine("feeBalance")),
        latestConfirmed: confirmed === undefined ? null : claimView(context, confirmed),
        falseClaims: [...view.claims.values()].reverse().filter((claim) => claim.epoch > (confirmed?.epoch ?? -1) && claimView(context, claim).isOurs === false).length,
        l1: l1View(context),
      };
    },
  }),
  defineRoute({
    path: "/v1/config",
    tag: "service",
    summary: "What was fixed when the chain was created",
    answer: z.object({
      chainId: count.describe("Of L1"),
      contracts: z.record(z.string(), address),
      asset: z.object({ address: address.nullable(), symbol: z.string(), decimals: count, scale: z.string().describe("Base units in one unit") }),
      fees: z.record(z.string(), amount).describe("By operation"),
      windowSeconds: count.describe("A claim without rivals can be confirmed after it"),
      joinSeconds: count.describe("Claims can be backed that much longer; with rivals none is confirmed before"),
      payoutDelaySeconds: count,
      inclusionDelaySeconds: count.describe("A queued entry must be consumed within it"),
    }),
    handle(context) {
      const { deployment, asset } = context;
      const contracts = Object.entries(deployment.contracts).filter((entry): entry is [string, string] => entry[1] !== undefined);
      const secondsOf = (name: string): number => Number(deployment.config[name] ?? 0);
      return {
        chainId: deployment.chainId,
        contracts: Object.fromEntries(contracts),
        asset: { address: asset.address ?? null, symbol: asset.symbol, decimals: asset.decimals, scale: String(asset.scale) },
        fees: feesOf(context),
        windowSeconds: secondsOf("windowSeconds"),
        joinSeconds: secondsOf("joinSeconds"),
        payoutDelaySeconds: secondsOf("payoutDelaySeconds"),
        inclusionDelaySeconds: secondsOf("inclusionDelaySeconds"),
      };
    },
  }),
  defineRoute({
    path: "/v1/errors",
    tag: "service",
    summary: "Every error code with what to do about it",
    answer: z.object({
      outcomes: z.array(z.object({ id: count, name: z.string(), what: z.string(), todo: z.string() })),
      api: z.array(z.object({ code: z.string(), status: count, what: z.string(), todo: z.string() })),
      l1: z.array(z.object({ code: z.string(), what: z.string(), todo: z.string() })),
    }),
    handle: () => ({
      outcomes: [...ERROR_TEXTS],
      api: listApiErrors(),
      l1: CHAIN_ERROR_CODES.map((code) => ({ code, what: describeChainError(code).text, todo: describeChainError(code).todo })),
    }),
  }),
];

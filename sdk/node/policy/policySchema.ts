import { readFile } from "node:fs/promises";

import { z } from "zod";

import { PolicyError } from "./PolicyError.ts";

const amount = z.string().regex(/^\d{1,30}(\.\d{1,77})?$/, "expected whole units as text, for example \"0.25\"");
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected a 0x address");
const url = z.string().regex(/^https?:\/\//, "expected an http:// or https:// address").refine((text) => URL.canParse(text), "expected a web address");
const seconds = z.number().int().min(0).max(366 * 86_400);
const count = z.number().int().min(0).max(1_000_000_000);

/** Who the agent is in the IdentityRegistry; registered at the first need, once. */
const agentSchema = z.strictObject({
  name: z.string().min(1).max(200),
  description: z.string().max(2_000).default(""),
  /** Where it is reached; `sequencer` names the service that clients of the chain talk to. */
  services: z.array(z.strictObject({ name: z.string().min(1).max(100), endpoint: url })).max(20).default([]),
  /** An agent that the key owns already. */
  id: z.string().regex(/^\d{1,78}$/).optional(),
});

const common = {
  agent: agentSchema,
  /** L1 endpoint; default: that of the command line. */
  l1Url: url.optional(),
  /** Pause between two looks at the chain. */
  pollMs: z.number().int().min(50).max(3_600_000).default(2_000),
  /** Folder of state, salts and the sequencer's data. */
  dataDir: z.string().min(1),
};

export const operatorPolicySchema = z.strictObject({
  role: z.literal("operator"),
  ...common,
  /** Token it works for; default ETH. */
  token: address.optional(),
  /** Meters that it works under; default: the BatchMeter of the deployment. */
  meters: z.array(address).min(1).max(20).optional(),
  pricePerUnit: amount,
  minUnits: count.default(10),
  minPosterCalls: count.default(0),
  limits: z.strictObject({
    stake: amount,
    operatorBond: amount,
    /** ETH kept for gas and for the bonds of claims. */
    reserve: amount,
    minSilenceSeconds: seconds.default(60),
    minGraceSeconds: seconds.default(60),
    minWorkSeconds: seconds.default(60),
    engagements: z.number().int().min(1).max(1).default(1),
  }),
  claim: z.strictObject({ units: z.number().int().min(1).default(10), seconds: seconds.default(3_600) }).prefault({}),
  sequencer: z.strictObject({
    /** Program and arguments; `{l1}`, `{deployment}` and `{data}` stand for the L1 endpoint, the chain's file and a folder. */
    command: z.array(z.string().max(2_000)).min(1).max(100),
    env: z.record(z.string(), z.string()).default({}),
    /** Answers with success while the process is up. */
    health: url,
    /** How long it may be silent before it is started again. */
    unhealthySeconds: seconds.default(30),
  }),
});

export const patronPolicySchema = z.strictObject({
  role: z.literal("patron"),
  ...common,
  /** What is wanted, in words. */
  intent: z.string().min(1).max(10_000),
  /** The Settlement contract of the chain that needs a sequencer; one that the deployment's factory has made. */
  settlement: address,
  token: address.optional(),
  pool: amount,
  /** Price of a counted batch, at most. */
  ceiling: amount,
  stake: amount,
  /** Proven calls that a bid needs at all. */
  minProvenCalls: count.default(0),
  bidders: z.strictObject({ minCalls: count.default(0), minScore: z.number().min(0).max(100).default(0), isForgiving: z.boolean().default(false) }).prefault({}),
  phases: z.strictObject({ fundingSeconds: seconds, commitSeconds: seconds, revealSeconds: seconds, awardSeconds: seconds, workSeconds: seconds, settleSeconds: seconds }),
  maxRounds: z.number().int().min(1).max(8).default(3),
  silenceSeconds: seconds,
  graceSeconds: seconds,
  closeAfterSeconds: seconds,
});

export const policySchema = z.discriminatedUnion("role", [operatorPolicySchema, patronPolicySchema]);

export type OperatorPolicy = z.infer<typeof operatorPolicySchema>;
export type PatronPolicy = z.infer<typeof patronPolicySchema>;
export type Policy = z.infer<typeof policySchema>;

/**
 * Checks the content of a policy file.
 * @throws PolicyError `policy/invalid`
 */
export function parsePolicy(json: unknown, file = "the policy"): Policy {
  const parsed = policySchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 5).map(({ path, message }) => `${path.length === 0 ? "policy" : path.map(String).join(".")}: ${message}`);
  throw new PolicyError("policy/invalid", { file, issues }, "reject", { what: `The policy in ${file} is wrong: ${issues.join("; ")}`, todo: "See docs/POLICIES.md for its fields" });
}

/** @throws PolicyError `policy/invalid` */
export async function readPolicy(file: string): Promise<Policy> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new PolicyError("policy/invalid", { file }, "reject", { what: `The policy in ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, todo: "Name a JSON file" });
  }
  return parsePolicy(json, file);
}

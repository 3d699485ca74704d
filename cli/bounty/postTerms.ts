import { readFileSync } from "node:fs";

import type { Command } from "commander";
import { Option } from "commander";

import { toBaseUnits } from "../../sdk/amount.ts";
import { completeTerms } from "../../sdk/bounties/BountyTerms.ts";
import type { TermsInput } from "../../sdk/bounties/BountyTerms.ts";
import { inlineDocument } from "../../sdk/bounties/documents.ts";
import type { BountyDocument } from "../../sdk/bounties/documents.ts";
import { NO_TOKEN } from "../../sdk/L1Sender.ts";
import { contractOf } from "../../sdk/economy/readEconomy.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import { parseAddress, parseAmount, parseHex, parseWhole } from "../arguments.ts";
import { BaseAmount } from "../Report.ts";
import { action } from "../runCommand.ts";
import { assetOf, openBoard } from "./desks.ts";

const ROLES = ["SEQUENCER", "RPC_PROVIDER", "BRIDGE", "VALIDATOR", "OTHER"] as const;
const KINDS = ["LUMP", "MILESTONES", "VERIFIED", "METERED"] as const;

interface PostOptions {
  readonly role: (typeof ROLES)[number];
  readonly kind: (typeof KINDS)[number];
  readonly intent: string;
  readonly spec?: string;
  readonly pool?: string;
  readonly goal: string;
  readonly ceiling: string;
  readonly stake: string;
  readonly token?: string;
  readonly work: number;
  readonly evaluator?: string;
  readonly arbiter?: string;
  readonly bidder?: string;
  readonly source?: string;
  readonly sourceParams?: string;
  readonly shares?: string;
  readonly minCalls: number;
  readonly terms?: string;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw sdkError("SDK_INPUT", `the file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { file }, error);
  }
}

function sharesOf(text: string): number[] {
  const shares = text.split(",").map(Number);
  if (!shares.every((share) => Number.isInteger(share) && share > 0)) throw sdkError("SDK_INPUT", "the shares are parts of 10,000 with commas between them, for example 3000,7000");
  return shares;
}

/** What the file of terms may say. */
const NUMBERS: ReadonlySet<string> = new Set([
  "maxRounds", "unruledBps", "fundingSeconds", "commitSeconds", "revealSeconds", "awardSeconds", "workSeconds", "settleSeconds", "reviewSeconds", "disputeSeconds", "rulingSeconds",
] satisfies (keyof TermsInput)[]);

function readObject(file: string): Record<string, unknown> {
  const text = readText(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw sdkError("SDK_INPUT", `the file ${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`, { file }, error);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw sdkError("SDK_INPUT", `the file ${file} is no JSON object`, { file });
  return json as Record<string, unknown>;
}

/** Lengths of phases and the like, by their names in docs/BOUNTIES.md: whole numbers only. */
function moreTerms(file: string | undefined): Partial<TermsInput> {
  if (file === undefined) return {};
  const json = readObject(file);
  const wrong = Object.entries(json).find(([name, value]) => !NUMBERS.has(name) || !Number.isSafeInteger(value));
  if (wrong !== undefined) throw sdkError("SDK_INPUT", `the file of terms has no whole number at ${wrong[0]}, or a field that it may not have`);
  return json as Partial<TermsInput>;
}

/** Posting: everything that the terms can say. */
export function addPostCommand(group: Command): void {
  group
    .command("post")
    .description("post a bounty; its terms never change")
    .requiredOption("--intent <text>", "what is wanted, in words")
    .addOption(new Option("--role <role>", "what somebody is hired as").choices(ROLES).default("OTHER"))
    .addOption(new Option("--kind <kind>", "how the reward is earned").choices(KINDS).default("LUMP"))
    .requiredOption("--goal <amount>", "pool with which bidding begins, in whole units", parseAmount)
    .requiredOption("--ceiling <amount>", "highest price: of all the work, or of a unit", parseAmount)
    .option("--pool <amount>", "what you put in at once; default: nothing", parseAmount)
    .option("--stake <amount>", "what each bidder puts up", parseAmount, "0")
    .option("--token <address>", "default: ETH", parseAddress)
    .option("--spec <file>", "the specification; goes into the transaction")
    .option("--work <seconds>", "time for the work, or for each part of it", parseWhole, 7 * 86_400)
    .option("--evaluator <address>", "LUMP and MILESTONES: judges the work", parseAddress)
    .option("--arbiter <address>", "decides disputes", parseAddress)
    .option("--bidder <address>", "who alone may take it, at the ceiling", parseAddress)
    .option("--source <address>", "METERED: the meter; VERIFIED: the verifier", parseAddress)
    .option("--source-params <hex>", "what it is told", parseHex)
    .option("--shares <list>", "MILESTONES: parts of 10,000, for example 3000,7000")
    .option("--min-calls <count>", "paid calls that a bidder's agent must have proven", parseWhole, 0)
    .option("--terms <file>", "JSON with lengths of phases (commitSeconds, …), maxRounds, unruledBps")
    .action(
      action(async (context, options: PostOptions) => {
        const desk = await openBoard(context);
        const token = options.token ?? NO_TOKEN;
        const asset = await assetOf(context, token);
        const base = (text: string): bigint => toBaseUnits(text, asset);
        const { evaluator, arbiter, bidder, source, sourceParams, minCalls } = options;
        const given = Object.fromEntries(Object.entries({ evaluator, arbiter, bidder, source, sourceParams }).filter(([, value]) => value !== undefined));
        const terms = completeTerms({
          role: options.role, kind: options.kind, token, goal: base(options.goal), ceiling: base(options.ceiling), stake: base(options.stake), workSeconds: options.work, minProvenCalls: BigInt(minCalls),
          ...(minCalls === 0 ? {} : { proofOfService: contractOf(desk.economy, "proofOfService") }), ...given, ...(options.shares === undefined ? {} : { shares: sharesOf(options.shares) }), ...moreTerms(options.terms),
        });
        const spec: BountyDocument = options.spec === undefined ? { uri: "", hash: `0x${"0".repeat(64)}` } : inlineDocument(readText(options.spec), options.spec.endsWith(".json") ? "application/json" : "text/plain");
        const pool = base(options.pool ?? "0");
        const { id, transactionHash } = await context.report.waiting("Waiting for the L1 transaction …", desk.post(terms, inlineDocument(options.intent), spec, pool));
        context.report.result(`Posted bounty ${id}.`, { bounty: id, pool: new BaseAmount(pool, asset), transaction: transactionHash });
      }),
    );
}

import { z } from "zod";

import { BOUNTY_ROLES, REWARD_KINDS } from "../../../chain/bounties/BountyTerms.ts";
import { BOUNTY_PHASES } from "../../../chain/bounties/phaseOf.ts";
import { address, amount, count, hash, hexData, seconds } from "../schemas.ts";
import { JOB_STATUSES } from "./index/applyEscrowEvents.ts";

/** An id or amount of a contract: up to 256 bits, as decimal text. */
export const bigNumber = z.string().regex(/^\d{1,78}$/, "expected a whole number").describe("A whole number, in decimal");
/** Text of strangers: without control characters, and as long as they like within the limits; never HTML. */
const strangersText = z.string().describe("What a stranger wrote: text, never markup");

const capability = z.object({ id: count, name: strangersText, price: amount.nullable().describe("Of a call; null when none is named") });

const layerCore = z
  .object({
    account: count.describe("Index of the account on this chain"),
    endpoint: strangersText,
    sequencer: strangersText.nullable(),
    capabilities: z.array(capability),
    linked: z.boolean().describe("The account is linked to this agent on the chain"),
    owner: address.nullable().describe("The account's owner; null when there is no such account"),
    advertised: z.boolean().describe("The account has advertised just these capabilities and prices"),
  })
  .describe("The file's word about its account on this chain; `linked` and `advertised` are checked against the chain's state");

const card = z
  .object({
    status: z.enum(["none", "pending", "ok", "failed"]).describe("`none`: no URI. `pending`: not fetched yet. `failed`: see `code`"),
    code: z.string().nullable().describe("Why the last try failed; with `ok`, an older file still counts"),
    problem: strangersText.nullable(),
    fetchedAt: seconds.nullable(),
    name: strangersText.nullable(),
    description: strangersText.nullable().describe("In lists the first 400 characters"),
    image: strangersText.nullable(),
    active: z.boolean().nullable(),
    x402Support: z.boolean().nullable(),
    supportedTrust: z.array(strangersText),
    services: z.array(z.object({ name: strangersText, endpoint: strangersText, version: strangersText.nullable() })).describe("In lists the first 8"),
    namesAgent: z.boolean().nullable().describe("The file names this agent back; a file that does not may be anybody's"),
  })
  .describe("What is at the agent's URI: a stranger's word about itself");

const provenSchema = z
  .object({
    calls: count.describe("Calls that were paid and answered, shown to L1 by proof, for the present owner"),
    clients: count.describe("Distinct accounts that paid them"),
    score: z.number().nullable().describe("Mean of backed feedback, 0 to 100, weighted by proven calls; null without any"),
    weight: count.describe("Weight of the feedback in it"),
  })
  .describe("Backed by payment: the only reputation that admits or pays");

export const economyAgentSchema = z
  .object({
    agentId: bigNumber,
    owner: address,
    wallet: address.nullable().describe("Where it wants to be paid; null when unset, as after a sale"),
    uri: strangersText.nullable().describe("Of its registration file; null when there is none, or it is longer than 2,048 characters"),
    uriLength: count,
    registeredAt: seconds,
    blockNumber: count,
    card,
    layerCore: layerCore.nullable().describe("Null when the file names no account on this chain"),
    proven: provenSchema,
    rawFeedback: z.object({ count, revoked: count }).describe("What anybody wrote into the ReputationRegistry, backed by nothing: it says how loud, not how good"),
  })
  .describe("An ERC-8004 agent");

const metadataSchema = z.object({ name: strangersText, value: hexData.describe("The first 4,096 bytes at most"), length: count });
export const validationSchema = z.object({
  requestHash: hash,
  validator: address,
  requestUri: strangersText,
  requestedAt: seconds,
  response: count.nullable().describe("0 to 100; null while there is none"),
  responseUri: strangersText.nullable(),
  tag: strangersText.nullable(),
  respondedAt: seconds.nullable(),
});
export const economyAgentDetailSchema = economyAgentSchema.extend({
  metadata: z.array(metadataSchema).describe("At most 64"),
  validations: z.array(validationSchema).describe("The newest 64"),
});

export const feedbackSchema = z
  .object({
    client: address,
    index: bigNumber.describe("Of this client's feedback for the agent, from 1"),
    value: z.string().describe("A whole number in decimal, to be divided by 10^decimals; may be negative"),
    decimals: count,
    tag1: strangersText,
    tag2: strangersText,
    endpoint: strangersText,
    uri: strangersText,
    hash,
    revoked: z.boolean(),
    responses: count,
    provenCalls: count.describe("Paid calls of this client with the agent under its present owner; 0 for most of what is written"),
    backed: z.boolean().describe("It counts for the agent's proven score"),
    givenAt: seconds,
    blockNumber: count,
    transactionHash: hash,
  })
  .describe("A feedback of the ReputationRegistry");

export const jobSchema = z
  .object({
    jobId: bigNumber,
    status: z.enum(JOB_STATUSES),
    client: address,
    provider: address,
    providerAgentId: bigNumber.nullable().describe("Null where no event told it: the escrow tells it when a provider is set, not when a job is created with one"),
    evaluator: address,
    arbiter: address.nullable(),
    hook: address.nullable(),
    token: address.nullable().describe("Zero address for ETH; null before a budget was named"),
    budget: bigNumber.nullable().describe("Base units of the token"),
    expiredAt: bigNumber.describe("Unix seconds"),
    deadline: seconds.nullable().describe("From when anyone can end the present state; null for none"),
    deliverable: hash.nullable(),
    paid: bigNumber,
    refunded: bigNumber,
    createdAt: seconds,
    changedAt: seconds,
  })
  .describe("A job of the JobEscrow");

const whole = (text: string): z.ZodString => bigNumber.describe(text);

export const termsSchema = z
  .object({
    role: z.enum(BOUNTY_ROLES),
    kind: z.enum(REWARD_KINDS),
    maxRounds: count,
    unruledBps: count,
    token: address,
    fundingSeconds: count,
    goal: whole("Base units of the token"),
    ceiling: whole("Highest price: of all the work, or of a unit (METERED); base units"),
    stake: whole("Base units"),
    minProvenCalls: bigNumber,
    commitSeconds: count,
    revealSeconds: count,
    proofOfService: address,
    awardSeconds: count,
    workSeconds: count,
    settleSeconds: count,
    evaluator: address,
    reviewSeconds: count,
    disputeSeconds: count,
    rulingSeconds: count,
    arbiter: address,
    bidder: address,
    source: address,
    shares: z.array(count),
    sourceParams: hexData,
  })
  .describe("`Terms` of IBountyBoard; addresses that are not used are zero");

const documentSchema = z.object({ uri: strangersText, hash });

export const bountySchema = z
  .object({
    id: bigNumber,
    poster: address,
    phase: z.enum(BOUNTY_PHASES).describe("Now, by the clock of the newest L1 block"),
    phaseEndsAt: seconds.nullable().describe("When the phase ends if nobody does anything; null where only a call ends it"),
    intent: documentSchema,
    spec: documentSchema,
    terms: termsSchema,
    round: count.describe("From 1 when bidding begins"),
    part: count.describe("Completed parts"),
    pool: whole("What is in it for work, base units"),
    contributed: bigNumber,
    paid: whole("Paid for work, fees included"),
    worker: address.nullable().describe("Who is engaged"),
    engagedAt: seconds.nullable().describe("When that began"),
    agentId: bigNumber.nullable().describe("Of the worker"),
    price: bigNumber.nullable().describe("Of the worker's bid"),
    jobId: bigNumber.nullable().describe("Of the part in work"),
    paidUnits: bigNumber,
    liveBids: count.describe("Revealed and neither withdrawn nor awarded"),
    failures: count,
    postedAt: seconds,
  })
  .describe("A bounty; amounts in base units of its token");

export const BID_STATUSES = ["committed", "revealed", "awarded", "finished", "failed", "withdrawn", "forfeited"] as const;

export const bountyDetailSchema = bountySchema.extend({
  bids: z
    .array(z.object({ bidder: address, status: z.enum(BID_STATUSES), round: count, agentId: bigNumber.nullable(), price: bigNumber.nullable(), commitment: hash.nullable(), changedAt: seconds }))
    .describe("The lowest first, those without a price last; at most 100"),
  contributions: z.array(z.object({ funder: address, amount: bigNumber, refunded: bigNumber })).describe("The largest first; at most 100"),
  jobs: z.array(jobSchema.extend({ part: count })),
  history: z
    .array(z.object({ name: z.string(), args: z.record(z.string(), z.unknown()).describe("Of the event; integers in decimal"), at: seconds, blockNumber: count, logIndex: count, transactionHash: hash }))
    .describe("Events of the board, the newest first; at most 200"),
});

export const economyStatusSchema = z.object({
  contracts: z.record(z.string(), address),
  registry: z.string().describe("The identity registry as registration files name it"),
  head: count.nullable().describe("Newest L1 block"),
  indexed: count.nullable().describe("Everything up to this block is in the answers"),
  agents: count,
  bounties: count,
  files: z.object({ ok: count, failed: count, pending: count }).describe("Registration files"),
});

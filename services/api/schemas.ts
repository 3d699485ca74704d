import { z } from "zod";

/** Building blocks of requests and answers; with descriptions, because they end up in the OpenAPI document. */
export const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address: 0x and 40 hex digits").describe("An Ethereum address");
export const hash = z.string().regex(/^0x[0-9a-fA-F]{64}$/, "expected 0x and 64 hex digits").describe("32 bytes");
export const hexData = z.string().regex(/^0x([0-9a-fA-F]{2})*$/).describe("Bytes");
export const seconds = z.number().int().nonnegative().describe("Unix seconds");
export const count = z.number().int().nonnegative();

export const amount = z
  .object({
    whole: z.string().describe("In whole units of the asset, for people"),
    base: z.string().describe("In base units of the asset (wei), for contracts"),
    units: count.describe("In units of the chain, for records"),
  })
  .describe("An amount");

/** An integer in a path or query. */
export const index = z.string().regex(/^\d{1,16}$/, "expected a whole number").transform(Number).pipe(z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER));

export const MAX_PAGE = 500;
const DEFAULT_PAGE = 50;

/** Query of every list. */
export const page = {
  from: index.optional().describe("First number of the page; `next` of the page before"),
  limit: index.pipe(z.number().min(1).max(MAX_PAGE)).optional().describe(`At most so many, up to ${MAX_PAGE}; ${DEFAULT_PAGE} when left out`),
};

export interface PageQuery {
  readonly from?: number | undefined;
  readonly limit?: number | undefined;
}

export function limitOf(query: PageQuery): number {
  return query.limit ?? DEFAULT_PAGE;
}

/** A page of items; `next` is missing on the last one. */
export function pageOf<T extends z.ZodType>(item: T): z.ZodObject<{ items: z.ZodArray<T>; next: z.ZodOptional<z.ZodNumber> }> {
  return z.object({ items: z.array(item), next: count.optional().describe("`from` of the next page") });
}

export const position = z
  .object({ blockNumber: count, blockHash: hash, transactionHash: hash, timestamp: seconds })
  .describe("Where on L1");

export const proof = z
  .object({
    kind: count.describe("Subtree"),
    index: count.describe("Leaf in the subtree"),
    leaf: z.array(hash).length(4),
    siblings: z.array(hash).describe("Three a level, from the leaf up (rule N-4)"),
    stateRoot: hash,
    batchCount: count.describe("The state after this many batches"),
  })
  .describe("A leaf with its proof against a state root");

/**
 * What a sidecar may take, as docs/RUNBOOK.md and docs/BENCHMARKS.md say. Memory and file handles do not grow with traffic. Disk grows
 * by so much for an exchange until what is old enough is dropped: receipts beyond `keepReceipts`, payments past `keepSeconds`.
 */
export const BOUNDS = {
  /** Of the heap's old part, as an operator sets it (`NODE_OPTIONS=--max-old-space-size`): what needs more ends by itself. MiB. */
  oldSpaceMiB: 256,
  /** Resident memory of one sidecar so started, at any time. MiB. */
  memoryMiB: 640,
  /** What is left on the heap by a full collection, after the warm-up: no more than this beyond its largest value in it. MiB. */
  heapGrowthMiB: 32,
  /** The same for buffers and other memory beside the heap. MiB. */
  externalGrowthMiB: 32,
  /** Handles after the warm-up: no more than this beyond their largest number in it. */
  handlesGrowth: 64,
  /** Bytes on disk for each exchange, on the buyer's and on the seller's side. Of calls on a channel the seller keeps nothing but the channel. */
  diskPerExchange: {
    buyer: { channel: 1_024, call: 4_096, exact: 8_192 },
    seller: { channel: 0, call: 8_192, exact: 16_384 },
  },
  /** Receipts are dropped every second, and a file keeps the room of what it has dropped: this much above `keepReceipts`. */
  receiptsSlack: 40_000,
  /** Beside that: empty databases with their journals, two segments of a channel's log. MiB. */
  diskAtRestMiB: 128,
} as const;

/** Part of all exchanges after which nothing may grow any more that is not for an exchange. */
export const WARM_UP_PART = 0.25;

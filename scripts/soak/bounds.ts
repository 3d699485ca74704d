/**
 * What a sidecar may take, as docs/RUNBOOK.md and docs/BENCHMARKS.md say. Everything that grows with traffic grows on disk, by so much for an
 * exchange, until what is old enough is dropped (`keepSeconds`, 1,000,000 receipts); memory and file handles do not grow with it.
 */
export const BOUNDS = {
  /** Resident memory after the warm-up: no more than this beyond its largest value in the first quarter. MiB. */
  memoryGrowthMiB: 128,
  /** Of one sidecar at any time. MiB. */
  memoryMiB: 768,
  /** Handles after the warm-up: no more than this beyond their largest number in the first quarter. */
  handlesGrowth: 48,
  /** Bytes on disk for each exchange, on the buyer's and on the seller's side. */
  diskPerExchange: {
    buyer: { channel: 2_048, call: 4_096, exact: 8_192 },
    seller: { channel: 1_024, call: 8_192, exact: 16_384 },
  },
  /** Beside that: empty databases with their journals, segments of logs that are not full. MiB. */
  diskAtRestMiB: 96,
} as const;

/** Part of all exchanges after which nothing may grow any more that is not for an exchange. */
export const WARM_UP_PART = 0.25;

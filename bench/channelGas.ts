import { readFileSync } from "node:fs";
import { join } from "node:path";

const SNAPSHOT = join(import.meta.dirname, "..", "snapshots", "gas.json");

interface Row {
  readonly what: string;
  /** Names in the snapshot, cheapest case first; the last may be the dearest. */
  readonly cases: readonly string[];
  readonly limit: number;
  /** Of Nitrolite, Perun, go-nitro and Raiden, least to greatest, as published; of x402 for batches. */
  readonly peers: string;
}

const ROWS: readonly Row[] = [
  { what: "open with a deposit, ETH", cases: ["open (with a deposit)"], limit: 130_000, peers: "46k to 577k" },
  { what: "open with a deposit, ERC-20", cases: ["open (with a deposit), ERC-20"], limit: 130_000, peers: "46k to 577k" },
  { what: "checkpoint: a later base", cases: ["checkpoint (a later base)"], limit: 75_000, peers: "40k to 211k" },
  { what: "checkpoint: the channel's first", cases: ["checkpoint (the first base)"], limit: 75_000, peers: "40k to 211k" },
  { what: "challenge: with nothing, with a base, with all there can be", cases: ["challenge (nothing)", "challenge (a base)", "challenge (a base and both vouchers)"], limit: 110_000, peers: "109k to 235k" },
  { what: "respond: a voucher", cases: ["respond (a voucher)", "respond (a voucher, nothing before)"], limit: 80_000, peers: "77k to 195k" },
  { what: "respond: a base, with a voucher", cases: ["respond (a base)", "respond (a base and a voucher)"], limit: 80_000, peers: "77k to 195k" },
  { what: "cooperative close, ETH, ERC-20", cases: ["closeCooperatively", "closeCooperatively, ERC-20"], limit: 110_000, peers: "103k to 202k" },
  { what: "final close after a dispute, ETH, ERC-20", cases: ["close (after a dispute)", "close (after a dispute), ERC-20"], limit: 110_000, peers: "103k to 202k" },
  { what: "batch claim, each further channel", cases: ["claimMany: each further channel"], limit: 17_000, peers: "16,900 (x402)" },
];

/** The table of what channels cost on L1, from the committed snapshot, which `npm run gas:check` compares with the contract. */
export function channelGasTable(): string {
  const { channels } = JSON.parse(readFileSync(SNAPSHOT, "utf8")) as { channels: Record<string, number> };
  const gasOf = (name: string): string => {
    const gas = channels[`ChannelAdjudicator.${name}`];
    if (gas === undefined) throw new Error(`The snapshot has no ${name}: npm run gas`);
    return gas.toLocaleString("en-US");
  };
  const rows = ROWS.map(({ what, cases, limit, peers }) => `| ${what} | ${cases.map(gasOf).join(" / ")} | ${limit.toLocaleString("en-US")} | ${peers} |`);
  return ["| gas | here | limit | others |", "|---|---|---|---|", ...rows].join("\n");
}

import type { Deployment } from "../../chain/Deployment.ts";
import type { Replica } from "../../derivation/Replica.ts";
import type { Economy } from "./economy/Economy.ts";
import type { ExitBook } from "./exits/ExitBook.ts";
import type { ShownAmount, AssetInfo } from "./AmountFormat.ts";

/** What the answer to any request is made of. */
export interface ApiContext {
  readonly deployment: Deployment;
  readonly replica: Replica;
  /** What the last confirmed state owes. */
  readonly exits: Pick<ExitBook, "last">;
  readonly asset: AssetInfo;
  readonly amounts: { ofUnits(units: number): ShownAmount; ofBase(base: bigint): ShownAmount };
  /** Wall clock, unix seconds. */
  readonly nowSeconds: () => number;
  /** Head of L1 with its time in unix seconds, and the last block taken over; undefined before the first look. */
  readonly l1: () => { readonly head: number | undefined; readonly timestamp: number | undefined; readonly derived: number | undefined; readonly host: string };
  /** Agents and bounties; undefined where they are not indexed. */
  readonly economy: Economy | undefined;
  /** Why this replica must not be trusted, undefined while all is well. */
  readonly trouble: () => string | undefined;
}

import type { IDENTITY_STEPS } from "../config.ts";
import type { IdentityFacts } from "./Identity.ts";

export type IdentityStep = (typeof IDENTITY_STEPS)[number];
/** Steps that are transactions on L1. */
export type L1Step = "registration" | "account" | "link" | "uri";

/** What a first start does, for whoever watches it. */
export type IdentityProgress =
  | { readonly kind: "begun"; readonly step: IdentityStep | "uri" }
  | { readonly kind: "resumed"; readonly step: L1Step; readonly transactionHash: string }
  | { readonly kind: "done"; readonly step: IdentityStep | "uri"; readonly facts: IdentityFacts }
  /** Nothing goes on before the address has so much on L1. Amounts in base units. */
  | { readonly kind: "funds"; readonly address: string; readonly chainId: number; readonly missingWei: bigint; readonly missingAsset: bigint; readonly assetSymbol: string }
  | { readonly kind: "faucet"; readonly address: string }
  | { readonly kind: "trouble"; readonly error: Error };

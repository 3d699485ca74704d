import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hasErrorCode } from "../../runtime/errors/CodedError.ts";
import { LOCAL_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import { createLocalSigner } from "../../runtime/keystore/createLocalSigner.ts";
import { createBuyer, createExactBuyerWay } from "../../sidecar/outbound/index.ts";
import type { AssetLimits, AuthorizationReader, Buyer, BuyerEvent, BuyerOptions } from "../../sidecar/outbound/index.ts";
import { STUB_ASSET, STUB_NETWORK } from "./sellerStub.ts";

/** A key of a local chain, known to everybody. */
export const BUYER_KEY = Uint8Array.from(Buffer.from("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80", "hex"));
export const BUYER_ADDRESS = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";

export const STUB_LIMITS: AssetLimits = { network: STUB_NETWORK, asset: STUB_ASSET, maxPerCall: 5_000n, perDay: 100_000n };

/** A chain that says what a test tells it. */
export class StubReader implements AuthorizationReader {
  readonly used = new Set<string>();
  blockTime = 0;
  isAway = false;

  async read(_network: string, _asset: string, _from: string, nonce: string): Promise<{ isUsed: boolean; blockTime: number }> {
    if (this.isAway) throw new Error("the chain is away");
    return { isUsed: this.used.has(nonce), blockTime: this.blockTime };
  }
}

export interface BuyerStage {
  readonly dir: string;
  readonly buyer: Buyer;
  readonly events: BuyerEvent[];
  readonly reader: StubReader;
  /** How often something was signed. */
  readonly signatures: () => number;
  /** Stops the buyer and starts another on the same folder. */
  again(change?: Partial<BuyerOptions>): Promise<BuyerStage>;
  stop(): Promise<void>;
}

/** A buyer that pays stubs. */
export function stageBuyer(change: Partial<BuyerOptions> = {}, dir = mkdtempSync(join(tmpdir(), "agnt2-buyer-"))): BuyerStage {
  const events: BuyerEvent[] = [];
  const reader = new StubReader();
  const key = createLocalSigner(BUYER_KEY);
  let signatures = 0;
  const signer = {
    address: key.address,
    signTypedData: async (data: Parameters<typeof key.signTypedData>[0]) => {
      signatures += 1;
      return key.signTypedData(data);
    },
  };
  const buyer = createBuyer({
    dir, limits: [STUB_LIMITS], ways: [createExactBuyerWay({ signer, reader, now: change.now })], policy: LOCAL_POLICY, retryMs: 5, settleEveryMs: 3_600_000, onEvent: (event) => events.push(event), ...change,
  });
  const stage: BuyerStage = {
    dir, buyer, events, reader,
    signatures: () => signatures,
    again: async (next = {}) => {
      await buyer.stop();
      return stageBuyer({ ...change, ...next }, dir);
    },
    stop: async () => {
      await buyer.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return stage;
}

/** Code of the error that something ends with; `none` when it ends well. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (hasErrorCode(error)) return error.code;
    throw error;
  }
  return "none";
}

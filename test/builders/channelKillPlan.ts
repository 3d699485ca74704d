import { createLocalSigner } from "../../sdk/node/channels/index.ts";
import type { ChannelConfig } from "../../core/channel/index.ts";

/** What both processes of a kill test, and the test itself, know. */
export const KILL_NETWORK = { chainId: 31337, adjudicator: new Uint8Array(20).fill(0xad) };
/** Every so many-th call fails, by its sequence. */
export const FAILING_EVERY = 7;

export const keyOfSide = (side: 0 | 1): Uint8Array => new Uint8Array(32).fill(side + 1);
export const addressOfSide = (side: 0 | 1): Uint8Array => createLocalSigner(keyOfSide(side)).address;
/** Units. */
export const PRICE = 3;

export function killConfig(): ChannelConfig {
  return { home: 0, partyA: addressOfSide(0), partyB: addressOfSide(1), asset: new Uint8Array(20), unit: 1, windowSeconds: 3_600, flags: 0, salt: 1 };
}

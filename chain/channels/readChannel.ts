import { fromHex, toHex } from "../../core/codec/hex.ts";
import type { ChannelAdjudicator } from "../../typechain-types/channels/index.ts";

export const CHANNEL_STATUS = ["NONE", "OPEN", "CLOSING", "CLOSED"] as const;
export type OnChainStatus = (typeof CHANNEL_STATUS)[number];

/** What is recorded of one payer, in units. */
export interface RecordedSide {
  /** Of its last voucher that the payee endorsed. */
  readonly sequence: number;
  readonly paid: number;
  /** The most that was recorded under the version. */
  readonly highestPaid: number;
  /** 32 bytes; zero without locks. */
  readonly locksHash: Uint8Array;
}

/** A channel as the adjudicator has it at a block. */
export interface OnChainChannel {
  readonly status: OnChainStatus;
  readonly isExtended: boolean;
  readonly isUnilateral: boolean;
  /** L1 seconds; 0 without a close. Stays after one. */
  readonly deadline: number;
  readonly version: number;
  readonly withdrawalNonce: number;
  /** Deposits less what was paid out, of A and B, in units; zero once CLOSED. */
  readonly nets: readonly [number, number];
  /** Of A and B. */
  readonly recorded: readonly [RecordedSide, RecordedSide];
}

/** Both words of a channel at one block. An id that was never used has status NONE. */
export async function readChannel(adjudicator: ChannelAdjudicator, channelId: Uint8Array, blockTag: number | string = "latest"): Promise<OnChainChannel> {
  const id = toHex(channelId);
  const [state, recorded] = await Promise.all([adjudicator.channelOf(id, { blockTag }), adjudicator.recordedOf(id, { blockTag })]);
  return {
    status: CHANNEL_STATUS[Number(state.status)] ?? "NONE",
    isExtended: state.isExtended,
    isUnilateral: state.isUnilateral,
    deadline: Number(state.deadline),
    version: Number(state.version),
    withdrawalNonce: Number(state.withdrawalNonce),
    nets: [Number(state.netA), Number(state.netB)],
    recorded: [
      { sequence: Number(recorded.sequenceA), paid: Number(recorded.paidByA), highestPaid: Number(recorded.highestPaidByA), locksHash: fromHex(recorded.locksHashA) },
      { sequence: Number(recorded.sequenceB), paid: Number(recorded.paidByB), highestPaid: Number(recorded.highestPaidByB), locksHash: fromHex(recorded.locksHashB) },
    ],
  };
}

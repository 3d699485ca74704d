import type { Deployment } from "../chain/Deployment.ts";
import { createEventSource } from "./createEventSource.ts";
import type { EventConsumer, EventSource, EventSourceOptions } from "./createEventSource.ts";
import type { L1Event } from "./L1Event.ts";
import { readL1Events } from "./readL1Events.ts";

export type { L1Cursor } from "./createEventSource.ts";

/** Who takes the chain's events over. */
export type L1Consumer = EventConsumer<L1Event>;
export type L1Source = EventSource;

export interface L1SourceOptions extends Omit<EventSourceOptions<L1Event>, "firstBlock" | "read"> {
  readonly deployment: Deployment;
  /** Most bytes of batch data that are taken into memory at once. */
  readonly maxDataBytes?: number;
}

/** Reads the chain's events from L1: those that its state is derived from. */
export function createL1Source({ deployment, maxDataBytes, ...options }: L1SourceOptions): L1Source {
  const { provider } = options;
  return createEventSource({
    ...options,
    firstBlock: deployment.blockNumber,
    read: (fromBlock, toBlock) => readL1Events(provider, deployment, fromBlock, toBlock, maxDataBytes),
  });
}

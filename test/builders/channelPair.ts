import { join } from "node:path";

import type { ChainView, ChannelConfig } from "../../core/channel/index.ts";
import { ChannelPeer, ChannelStore, TlsTransport, createLocalSigner } from "../../sdk/node/channels/index.ts";
import type { Channel, ChannelConnection, ChannelNetwork, ChannelTransport, OpenOptions, PeerOptions } from "../../sdk/node/channels/index.ts";
import { authenticate } from "../../sdk/node/channels/transport/authenticate.ts";
import { channelHead, WIRE } from "../../sdk/node/channels/wire.ts";
import { channelIdOf } from "../../core/channel/index.ts";

export const PAIR_NETWORK: ChannelNetwork = { chainId: 31337, adjudicator: new Uint8Array(20).fill(0xad) };
export const PAIR_SIGNERS = [1, 2, 3].map((number) => createLocalSigner(new Uint8Array(32).fill(number)));
export const FUNDED: ChainView = { netA: 1_000_000, netB: 1_000_000, withdrawalNonce: 0, status: "open", version: 0 };

export function pairConfig(salt = 1): ChannelConfig {
  return { home: 0, partyA: PAIR_SIGNERS[0].address, partyB: PAIR_SIGNERS[1].address, asset: new Uint8Array(20), unit: 1, windowSeconds: 3_600, flags: 0, salt };
}

/** One agent of a test, with a store of its own; everything that it opened ends with `stop`. */
export interface PairEnd {
  readonly peer: ChannelPeer;
  readonly store: ChannelStore;
  readonly transport: ChannelTransport;
  stop(): Promise<void>;
}

/** @param number 0 and 1 are the parties of `pairConfig`, 2 is somebody else */
export function createEnd(dir: string, number: number, options: Partial<PeerOptions> = {}): PairEnd {
  const store = options.store ?? ChannelStore.open(join(dir, `end-${number}`));
  const transport = options.transports?.[0] ?? new TlsTransport();
  const peer = new ChannelPeer({ signer: PAIR_SIGNERS[number], network: PAIR_NETWORK, idleMs: 1_000, ...options, store, transports: [transport] });
  return {
    peer,
    store,
    transport,
    async stop() {
      await peer.stop();
      await transport.stop();
      await store.close();
    },
  };
}

export function openFunded(peer: ChannelPeer, options: OpenOptions = {}, config = pairConfig()): Channel {
  const channel = peer.open(config, options);
  channel.updateChain(FUNDED);
  return channel;
}

/** A connection that has proven to be of one of the agents, and on which a test says what it likes. */
export async function rawConnection(address: string, number: number): Promise<{ readonly connection: ChannelConnection; readonly frames: Uint8Array[]; readonly ended: () => boolean; join(): void; say(frame: Uint8Array): void; stop(): Promise<void> }> {
  const transport = new TlsTransport();
  const connection = await transport.dial(address, 5_000);
  await authenticate(connection, PAIR_NETWORK, PAIR_SIGNERS[number], 5_000);
  const frames: Uint8Array[] = [];
  let hasEnded = false;
  connection.maxFrameBytes = 1 << 24;
  connection.handle({ onFrame: (frame) => void frames.push(frame.slice()), onDrain: () => undefined, onEnd: () => (hasEnded = true) });
  const id = channelIdOf(pairConfig());
  return {
    connection,
    frames,
    ended: () => hasEnded,
    join: () => void connection.send(channelHead(WIRE.JOIN, id)),
    say: (frame) => void connection.send(channelHead(WIRE.CHANNEL, id), frame),
    async stop() {
      connection.close();
      await transport.stop();
    },
  };
}

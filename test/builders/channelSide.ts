/** One side of a channel in a process of its own, for tests that kill it: calls without pause, serves, and says what it learned. */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";

import { keccak256 } from "../../core/hash/index.ts";
import { ChannelPeer, ChannelStore, TlsTransport, createLocalSigner } from "../../sdk/node/channels/index.ts";
import type { ChannelConnection, ChannelTransport } from "../../sdk/node/channels/index.ts";
import { CHANNEL_HEAD_BYTES, WIRE } from "../../sdk/node/channels/wire.ts";
import { FAILING_EVERY, KILL_NETWORK, PRICE, keyOfSide, killConfig } from "./channelKillPlan.ts";

interface Order {
  readonly side: 0 | 1;
  readonly dir: string;
  readonly port: number;
}

const { side, dir, port } = JSON.parse(process.argv[2] ?? "{}") as Order;
const WINDOW = 64;
const REBASE_EVERY_MS = 150;
/** All frames of the engine that left this side, length first; it outlives the process. */
const wire = openSync(join(dir, "wire.bin"), "a");

/** Writes down what leaves, before it leaves. */
function recording(connection: ChannelConnection): ChannelConnection {
  const send = connection.send.bind(connection);
  connection.send = (head: Uint8Array, body?: Uint8Array): boolean => {
    if (head[0] === WIRE.CHANNEL && head.length === CHANNEL_HEAD_BYTES && body !== undefined) {
      const record = Buffer.alloc(4 + body.length);
      record.writeUInt32BE(body.length);
      record.set(body, 4);
      writeSync(wire, record);
    }
    return send(head, body);
  };
  return connection;
}

const tls = new TlsTransport();
const transport: ChannelTransport = {
  name: "recorded",
  speaks: (address) => tls.speaks(address),
  listen: (address, onConnection) => tls.listen(address, (connection) => onConnection(recording(connection))),
  dial: async (address, timeoutMs) => recording(await tls.dial(address, timeoutMs)),
  stop: () => tls.stop(),
};

const store = ChannelStore.open(join(dir, "store"), { segmentBytes: 128 * 1024 });
const peer = new ChannelPeer({ store, signer: createLocalSigner(keyOfSide(side)), network: KILL_NETWORK, transports: [transport] });
const address = `tls://127.0.0.1:${port}`;
if (side === 1) await peer.listen(address);
const channel = peer.open(killConfig(), { address: side === 0 ? address : undefined, maxUnackedUnits: 1_000_000 });
channel.updateChain({ netA: 2 ** 40, netB: 2 ** 40, withdrawalNonce: 0, status: "open", version: 0 });

let isLoading = true;
/** Calls of this process without an answer. */
let open = 0;
channel.on("alarm", (code, detail) => process.send?.({ alarm: { code, detail } }));
channel.on("cut", (code, detail) => process.send?.({ alarm: { code: `cut ${code}`, detail } }));
channel.on("results", ({ count, sequences, statuses, payloads }) => {
  open = Math.max(0, open - count);
  process.send?.({ results: Array.from({ length: count }, (_, i) => [sequences[i], statuses[i], payloads === undefined ? "" : Buffer.from(payloads[i]).toString("hex")]) });
});
channel.serveBatches((calls, answer) => {
  const served: [number, string, boolean][] = [];
  for (let i = 0; i < calls.count; i += 1) {
    const sequence = calls.sequences[i];
    const request = calls.payloads?.[i] ?? new Uint8Array(0);
    const response = keccak256(request).subarray(0, 8);
    served.push([sequence, Buffer.from(request).toString("hex"), calls.isRepeated]);
    answer(sequence, sequence % FAILING_EVERY === 0 ? 1 : 0, keccak256(response), response);
  }
  process.send?.({ served });
});

const timer = setInterval(() => {
  if (isLoading && channel.status().phase === "open") {
    for (let calls = 0; calls < WINDOW && open < WINDOW && channel.refusalOf(PRICE) === undefined; calls += 1) {
      const request = crypto.getRandomValues(new Uint8Array(24));
      channel.submit(PRICE, keccak256(request), request);
      open += 1;
    }
  }
}, 2);
const rebases = setInterval(() => {
  if (isLoading && side === 0 && channel.status().phase === "open") channel.rebase();
}, REBASE_EVERY_MS);

function plain(): unknown {
  const { phase, frozenBy, version, outgoing, incoming } = channel.status();
  const direction = ({ sequence, acked, paid, credit, results, openCalls, callsHash, resultsHash }: typeof outgoing): unknown => ({
    sequence, acked, paid, credit, results, openCalls, callsHash: Buffer.from(callsHash).toString("hex"), resultsHash: Buffer.from(resultsHash).toString("hex"),
  });
  return { phase, isConnected: channel.isConnected, frozenBy, version, outgoing: direction(outgoing), incoming: direction(incoming) };
}

process.on("message", (message: { ask: "status" | "quiet" | "stop" }) => {
  if (message.ask === "quiet") isLoading = false;
  if (message.ask === "status") process.send?.({ status: plain() });
  if (message.ask === "stop") {
    clearInterval(timer);
    clearInterval(rebases);
    void peer.stop().then(() => transport.stop()).then(() => store.close()).then(() => process.disconnect?.());
  }
});
process.send?.({ ready: true });

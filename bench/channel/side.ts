/** One of the two processes of the channel benchmark: an agent that serves calls, or agents that make them. Started by `bench/channel.ts`. */
import { keccak256 } from "../../core/hash/index.ts";
import { ChannelPeer, ChannelStore, Libp2pTransport, TlsTransport, createLocalSigner } from "../../sdk/node/channels/index.ts";
import type { Channel, ChannelMetrics, ChannelTransport } from "../../sdk/node/channels/index.ts";
import { processFigures } from "../network/processFigures.ts";
import { CallLoad } from "./CallLoad.ts";
import type { LoadOptions, SideOptions, SideReport } from "./SideOptions.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as SideOptions;
const PRICE = 1;
const DEPOSIT_UNITS = 2 ** 50;
const network = { chainId: 31337, adjudicator: new Uint8Array(20).fill(0xad) };

/** Keys of the benchmark: payee 1, payers from 1,000 on. */
function keyOf(number: number): Uint8Array {
  const key = new Uint8Array(32);
  new DataView(key.buffer).setUint32(28, number);
  return key;
}
const payee = createLocalSigner(keyOf(1));
const payers = Array.from({ length: options.pairs }, (_, i) => createLocalSigner(keyOf(1_000 + i)));

let [signatures, verifications] = [0, 0];
const metrics: ChannelMetrics = {
  connections: () => undefined,
  frameSent: () => undefined,
  frameReceived: () => undefined,
  signed: (count) => void (signatures += count),
  verified: (count) => void (verifications += count),
  cut: (code) => process.stderr.write(`cut: ${code}\n`),
  alarm: (code) => process.stderr.write(`alarm: ${code}\n`),
};

const store = ChannelStore.open(options.dir);
const transport: ChannelTransport = options.transport === "tls" ? new TlsTransport() : new Libp2pTransport();
const peers: ChannelPeer[] = [];
const channels: Channel[] = [];

function open(peer: ChannelPeer, pair: number, address: string | undefined): Channel {
  const config = { home: 0 as const, partyA: payers[pair].address, partyB: payee.address, asset: new Uint8Array(20), unit: 1, windowSeconds: 3_600, flags: 0, salt: pair };
  const { mode, maxCallsPerFrame, maxInFlight } = options;
  const limits = { ...(maxCallsPerFrame === undefined ? {} : { maxCallsPerFrame }), ...(maxInFlight === undefined ? {} : { maxInFlight }) };
  const channel = peer.open(config, { mode, address, ...limits });
  channel.updateChain({ netA: DEPOSIT_UNITS, netB: 0, withdrawalNonce: 0, status: "open", version: 0 });
  channels.push(channel);
  return channel;
}

function report(): SideReport {
  const directions = channels.map((channel) => channel.status()).map((status) => (options.side === "payer" ? status.outgoing : status.incoming));
  return {
    ...processFigures(process.pid),
    commits: store.commits,
    signatures,
    verifications,
    paidUnits: directions.reduce((sum, { paid }) => sum + paid, 0),
    calls: directions.reduce((sum, { sequence }) => sum + sequence, 0),
  };
}

/** Takes calls and answers each with as many bytes as it had. */
async function serve(): Promise<string> {
  const peer = new ChannelPeer({ store, signer: payee, network, transports: [transport], metrics });
  peers.push(peer);
  for (let pair = 0; pair < options.pairs; pair += 1) {
    open(peer, pair, undefined).serveBatches((calls, answer) => {
      for (let place = 0; place < calls.count; place += 1) {
        const response = new Uint8Array(options.payloadBytes);
        const request = calls.payloads?.[place];
        if (request !== undefined) response.set(request);
        response[0] = 1;
        answer(calls.sequences[place], 0, keccak256(response), response);
      }
    });
  }
  return await peer.listen(options.transport === "tls" ? "tls://127.0.0.1:0" : "/ip4/127.0.0.1/tcp/0");
}

async function load(plan: LoadOptions): Promise<void> {
  for (const [pair, signer] of payers.entries()) {
    const peer = new ChannelPeer({ store, signer, network, transports: [transport], metrics });
    peers.push(peer);
    open(peer, pair, plan.address);
  }
  const run = new CallLoad(channels, { ...plan, price: PRICE, payloadBytes: options.payloadBytes });
  await run.untilOpen();
  const result = await run.run();
  process.send?.({ result: { ...result, ...report() } });
}

async function stop(): Promise<void> {
  await Promise.all(peers.map((peer) => peer.stop()));
  await transport.stop();
  await store.close();
  process.disconnect?.();
}

process.on("message", (message: { load?: LoadOptions; ask?: "report" | "stop" }) => {
  const work = message.load !== undefined ? load(message.load) : message.ask === "stop" ? stop() : Promise.resolve(void process.send?.({ report: report() }));
  work.catch((error: unknown) => process.send?.({ failed: String((error as Error).stack ?? error) }));
});

const address = options.side === "payee" ? await serve() : "";
process.send?.({ ready: address });

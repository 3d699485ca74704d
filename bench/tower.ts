import { cpus } from "node:os";

import { Wallet } from "ethers";

import { configStruct } from "../chain/channels/channelStructs.ts";
import { connectAdjudicator } from "../chain/channels/connectAdjudicator.ts";
import { toHex } from "../core/codec/hex.ts";
import { DEVELOPMENT_KEYS } from "../test/builders/localChain.ts";
import { TowerChannel } from "../test/builders/towerChannel.ts";
import { TowerNetwork } from "../test/builders/towerNetwork.ts";
import { until } from "../test/builders/until.ts";
import { TowerProcess } from "../test/builders/TowerProcess.ts";
import { processFigures } from "./network/processFigures.ts";

const NAME = "bench";
const UNITS = 1_000;
const PAID = 90;
/** A block holds so many: 30 million gas. */
const BATCH = 100;
const CONCURRENCY = 16;
const OPEN_GAS = 300_000;

/** One tower with that many channels: what it took, and what it held in memory. */
export interface TowerReport {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string };
  /** What is real and what is not. */
  readonly conditions: string;
  readonly channels: number;
  readonly receiptsPerSecond: number;
  readonly receiptP50Ms: number;
  readonly receiptP99Ms: number;
  readonly cheats: number;
  /** From the first close to the last answer in the chain. */
  readonly answeredSeconds: number;
  /** Of the tower's process, from its start to the last answer; the queue's store is a process of its own. */
  readonly peakRssMiB: number;
  readonly cpuSeconds: number;
}

/** In blocks of a hundred, by anvil, which signs for its development accounts. */
async function openAll(network: TowerNetwork, channels: readonly TowerChannel[]): Promise<void> {
  const adjudicator = connectAdjudicator(toHex(network.domain.adjudicator), network.chain.provider);
  const from = new Wallet(DEVELOPMENT_KEYS[1]).address;
  const to = toHex(network.domain.adjudicator);
  await network.chain.send("evm_setAutomine", [false]);
  for (let start = 0; start < channels.length; start += BATCH) {
    const calls = channels.slice(start, start + BATCH).map(({ config }, index) => {
      const value = `0x${(BigInt(UNITS) * BigInt(config.unit)).toString(16)}`;
      const data = adjudicator.interface.encodeFunctionData("open", [configStruct(config), 1, UNITS]);
      return { jsonrpc: "2.0", id: index, method: "eth_sendTransaction", params: [{ from, to, value, data, gas: `0x${OPEN_GAS.toString(16)}`, nonce: `0x${(start + index).toString(16)}` }] };
    });
    const response = await fetch(network.chain.url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(calls) });
    const answers = (await response.json()) as { error?: { message: string } }[];
    const failed = answers.find(({ error }) => error !== undefined);
    if (failed !== undefined) throw new Error(`a channel was not opened: ${failed.error?.message}`);
    await until("they are in blocks", async () => {
      await network.chain.send("evm_mine");
      return Number(await network.chain.send("eth_getTransactionCount", [from, "latest"])) === start + calls.length;
    });
  }
  await network.chain.send("evm_setAutomine", [true]);
}

/** Hands in one state of each; durations in ms, sorted. */
async function submitAll(url: string, channels: readonly TowerChannel[], sequence: number): Promise<number[]> {
  const durations: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < channels.length) {
      const channel = channels[next++]!;
      const body = JSON.stringify(channel.request(channel.state(0, { base: channel.base(1, 0, 10), voucher: { sequence, paid: PAID } })));
      const startedMs = performance.now();
      const response = await fetch(`${url}/v1/states`, { method: "POST", headers: { "content-type": "application/json" }, body });
      const answer = (await response.json()) as { error?: { code: string } };
      if (answer.error !== undefined) throw new Error(`a state was refused: ${answer.error.code}`);
      durations.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return durations.sort((a, b) => a - b);
}

/** `--channels 10000 --cheats 50`: a tower in a process of its own, its states over HTTP, its L1 an anvil on this machine. */
export async function benchTower(args: readonly string[], print: (line: string) => void): Promise<TowerReport> {
  const option = (name: string, otherwise: number): number => (args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise);
  const [count, cheats] = [option("--channels", 10_000), option("--cheats", 50)];
  const network = await TowerNetwork.start("anvil");
  const tower = new TowerProcess(network, NAME, ["--max-channels", String(count), "--rate-limit", "0"]);
  try {
    await network.bondTower(NAME);
    const channels = Array.from({ length: count }, (_, salt) => new TowerChannel(network.domain, NAME, { salt }));
    await openAll(network, channels);
    print(`${count} channels are open`);
    await tower.start();
    const startedMs = performance.now();
    const durations = await submitAll(tower.url, channels, 9);
    const receiptsPerSecond = Math.round(count / ((performance.now() - startedMs) / 1000));
    print(`${count} receipts, ${receiptsPerSecond}/s, ${processFigures(tower.pid).peakRssMiB} MiB`);
    await network.fund(channels[0]!.parties[1].wallet.address);
    const cheated = channels.slice(0, cheats);
    const closedMs = performance.now();
    for (const channel of cheated) await network.challenge(channel, 1);
    for (const channel of cheated) await until("every close is answered", async () => (await network.markOf(channel)).paid[1] === PAID);
    const { peakRssMiB, cpuSeconds } = processFigures(tower.pid);
    const at = (share: number): number => Math.round(10 * (durations[Math.floor(share * (durations.length - 1))] ?? 0)) / 10;
    return {
      machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version },
      conditions: "real: states, signatures, HTTP on the loopback, fsync before each receipt, closes and answers in transactions; the L1 is an anvil on the same machine",
      channels: count,
      receiptsPerSecond,
      receiptP50Ms: at(0.5),
      receiptP99Ms: at(0.99),
      cheats,
      answeredSeconds: Math.round((performance.now() - closedMs) / 100) / 10,
      peakRssMiB,
      cpuSeconds,
    };
  } finally {
    await tower.stop();
    await network.stop();
  }
}

/** The load generator, a process of its own: signs everything first, then sends over the WebSocket and prints one line of JSON. */
import { setTimeout as pause } from "node:timers/promises";

import { WebSocket } from "ws";

import { fromHex } from "../../core/codec/index.ts";
import { ACK_LEVEL, SUBMIT_HEADER_BYTES, decodeAnswers, decodeBundleRecord, encodeSubmissions } from "../../core/codec/stream.ts";
import { ERROR } from "../../core/generated/protocol.ts";
import type { LoadOptions, LoadResult } from "./LoadOptions.ts";
import { presign } from "./presign.ts";

const options = JSON.parse(process.argv[2]) as LoadOptions;
const QUIET_MS = 5_000;
const MESSAGE_BYTES = 64 * 1024;
const MAX_OUTSTANDING = 4_000;

function percentile(sorted: Float64Array, part: number): number {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

async function main(): Promise<void> {
  const bundles: Uint8Array[] = [];
  const signedAt = performance.now();
  for (const bytes of presign({ ...options, domainSeparator: fromHex(options.domainSeparator, 32), nowSeconds: Math.floor(Date.now() / 1000) })) {
    bundles.push(bytes);
    if (bundles.length >= options.bundles) break;
    if (bundles.length % 20_000 === 0) process.stderr.write(`signed ${bundles.length} of ${options.bundles} bundles\n`);
  }
  const signMs = performance.now() - signedAt;

  const sentAt = new Float64Array(bundles.length);
  const times = { sequenced: new Float64Array(bundles.length), durable: new Float64Array(bundles.length), rooted: new Float64Array(bundles.length) };
  let sent = 0;
  let durable = 0;
  let rooted = 0;
  let accepted = 0;
  let refusedRecords = 0;
  let refusedBundles = 0;
  let lastAnswerAt = 0;
  let lastDurableAt = 0;

  const socket = new WebSocket(options.url, { perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  // A line before the result: everything is signed, the clock starts.
  process.stdout.write("started\n");
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const endAt = startedAt + options.seconds * 1000;
  const perMessage = Math.max(1, Math.floor(MESSAGE_BYTES / (SUBMIT_HEADER_BYTES + bundles[0].length)));

  const send = (count: number): void => {
    for (let left = Math.min(count, bundles.length - sent); left > 0; ) {
      const part = Math.min(left, perMessage);
      const now = performance.now();
      const submissions = Array.from({ length: part }, (_, i) => ({ request: sent + i, bytes: bundles[sent + i] }));
      sentAt.fill(now, sent, sent + part);
      socket.send(encodeSubmissions(submissions));
      sent += part;
      left -= part;
    }
  };
  const isOver = (): boolean => performance.now() >= endAt || sent >= bundles.length;
  const isClosedLoop = options.bundlesPerSecond === undefined;
  const fill = (): void => {
    const room = options.window - (sent - durable - refusedBundles);
    if (!isOver() && room >= Math.min(perMessage, options.window / 4)) send(room);
  };

  socket.on("message", (message: Buffer) => {
    const now = performance.now();
    lastAnswerAt = now;
    for (const { level, request, body } of decodeAnswers(message) ?? []) {
      if (level === ACK_LEVEL.SEQUENCED) times.sequenced[request] = now - sentAt[request];
      else if (level === ACK_LEVEL.ROOTED) {
        times.rooted[request] = now - sentAt[request];
        rooted += 1;
      } else if (level === ACK_LEVEL.REJECTED) {
        refusedBundles += 1;
        if (refusedBundles <= 3) process.stderr.write(`bundle ${request} was refused: ${body[0]} ${Buffer.from(body.subarray(1)).toString()}\n`);
      } else if (level === ACK_LEVEL.DURABLE) {
        times.durable[request] = now - sentAt[request];
        durable += 1;
        lastDurableAt = now;
        for (const outcome of decodeBundleRecord(body).outcomes) {
          if (outcome === ERROR.OK) accepted += 1;
          else refusedRecords += 1;
        }
      }
    }
    if (isClosedLoop) fill();
  });

  if (options.bundlesPerSecond === undefined) fill();
  while (!isOver()) {
    if (options.bundlesPerSecond !== undefined) {
      const due = Math.floor(((performance.now() - startedAt) / 1000) * options.bundlesPerSecond);
      // A stall must not turn into refusals: a connection may have 5,000 bundles in the queue.
      const room = MAX_OUTSTANDING - (sent - durable - refusedBundles);
      if (due > sent) send(Math.min(due - sent, room));
    }
    await pause(2);
  }
  // What was sent within the time is still counted; the time runs until the last durable answer.
  while (rooted + refusedBundles < sent && performance.now() - lastAnswerAt < QUIET_MS) await pause(20);
  const { user, system } = process.cpuUsage(cpuBefore);
  socket.close();

  const of = (values: Float64Array, part: number): number => Number(percentile(values.slice(0, sent).filter((ms) => ms > 0).sort(), part).toFixed(2));
  const seconds = (lastDurableAt - startedAt) / 1000;
  const result: LoadResult = {
    opsPerSecond: Math.round(accepted / seconds),
    seconds: Number(seconds.toFixed(2)),
    sentBundles: sent, durableBundles: durable, rootedBundles: rooted, refusedBundles, acceptedRecords: accepted, refusedRecords,
    ranOutOfBundles: isClosedLoop && sent >= bundles.length,
    signMs: Math.round(signMs),
    generatorCpuSeconds: Number(((user + system) / 1e6).toFixed(2)),
    sequencedP50Ms: of(times.sequenced, 0.5), sequencedP99Ms: of(times.sequenced, 0.99),
    durableP50Ms: of(times.durable, 0.5), durableP99Ms: of(times.durable, 0.99),
    rootedP50Ms: of(times.rooted, 0.5), rootedP99Ms: of(times.rooted, 0.99),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

await main();

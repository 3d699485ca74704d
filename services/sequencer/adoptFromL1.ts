import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { JsonRpcApiProvider } from "ethers";

import type { Deployment } from "../../chain/Deployment.ts";
import { channelDomain } from "../../core/channel/index.ts";
import { domainSeparator } from "../../core/codec/bundle.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { RECORD, SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createState } from "../../core/state/index.ts";
import { createExecutor } from "../../core/transition/index.ts";
import type { Executor } from "../../core/transition/index.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Consumer } from "../../derivation/L1Source.ts";
import type { QueuedEntry, SubmittedBatch } from "../../derivation/L1Event.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import { recoverAddress } from "../../runtime/crypto/secp.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import { syncDir } from "../../runtime/files/writeFileAtomic.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { DATA } from "./dataFiles.ts";
import { writeSignAfter } from "./heads/signAfter.ts";
import { encodeBatchStart, encodeBundle, encodeEnd } from "./log/LogEntry.ts";
import { SegmentLog, listSegments } from "./log/SegmentLog.ts";
import { SequencerError } from "./SequencerError.ts";

const NO_SIGNER = new Uint8Array(20);

export interface AdoptOptions {
  readonly provider: JsonRpcApiProvider;
  readonly deployment: Deployment;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes what L1 has of a chain as the log of a sequencer that executed it. */
class AdoptedLog implements L1Consumer {
  readonly #log: SegmentLog;
  readonly #executor: Executor;
  readonly #slot: number;
  /** Those that no batch has consumed yet. */
  #entries: QueuedEntry[] = [];
  batches = 0;

  constructor(log: SegmentLog, executor: Executor, slot: number) {
    this.#log = log;
    this.#executor = executor;
    this.#slot = slot;
  }

  async onEvents(events: Parameters<L1Consumer["onEvents"]>[0]): Promise<void> {
    for (const event of events) {
      if (event.type === "entry") this.#entries.push(event.entry);
      if (event.type === "batch") await this.#append(event.batch);
    }
  }

  onRollback(): Promise<void> {
    return Promise.reject(new SequencerError("sequencer/adoptMoved", {}, "retry", { what: "L1 was reorganised while the chain was read from it", todo: "Start again" }));
  }

  async #append({ index, l2Time, queueEnd, data }: SubmittedBatch): Promise<void> {
    if (index !== this.batches) throw new RangeError(`batch ${index} cannot follow ${this.batches} batches`);
    const consumed = this.#entries.filter((entry) => entry.index < queueEnd);
    this.#entries = this.#entries.slice(consumed.length);
    const bundles = this.#split(data);
    const recovered = bundles.map((bundle) => (this.#executor.isBundle(bundle, 0) ? this.#executor.recoverBundle(bundle, 0) : null) ?? NO_SIGNER);
    const payloads = [encodeBatchStart({ l2Time, queueEnd, entries: consumed }), ...bundles.map((bundle, i) => encodeBundle(bundle, recovered[i] ?? NO_SIGNER)), encodeEnd()];
    await this.#log.append(payloads, { bundles: bundles.length, slot: this.#slot });
    this.batches += 1;
  }

  /** Bundles, and single slots where none begins (RULES M-5). */
  #split(data: Uint8Array): Uint8Array[] {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const bundles: Uint8Array[] = [];
    for (let at = 0; at < data.length; ) {
      const slots = this.#executor.isBundle(data, at) ? 1 + view.getUint16(at + RECORD.HEADER.count) : 1;
      bundles.push(data.slice(at, at + slots * SLOT_BYTES));
      at += slots * SLOT_BYTES;
    }
    return bundles;
  }
}

/**
 * Begins a sequencer's log from what is on L1: for whoever goes on with a chain whose batches it did not make. Does nothing for a folder
 * that has a log. What was acknowledged and never posted is not in it; nobody can know of it.
 * @returns how many batches were taken over; undefined when there was a log, or nothing on L1
 * @throws SequencerError `sequencer/adoptMoved`; DerivationError; ChainError
 */
export async function adoptFromL1({ provider, deployment, dataDir, clock, logger }: AdoptOptions): Promise<number | undefined> {
  const [logDir, partDir] = [join(dataDir, DATA.log), join(dataDir, DATA.adopting)];
  if (existsSync(logDir) && listSegments(logDir).length > 0) return undefined;
  const domain = domainSeparator({ chainId: deployment.chainId, inbox: fromHex(deployment.contracts.inbox, 20) });
  const channels = channelDomain({ chainId: deployment.chainId, adjudicator: fromHex(deployment.contracts.adjudicator, 20) });
  const recover = (digest: Uint8Array, r: Uint8Array, vs: Uint8Array): Uint8Array | null => recoverAddress(digest, Buffer.concat([r, vs]));
  const executor = createExecutor(createState(), { domainSeparator: domain, channels, feeTable: deployment.config.feeTable, recover });
  rmSync(partDir, { recursive: true, force: true });
  mkdirSync(dataDir, { recursive: true });
  const log = new SegmentLog(partDir, logger);
  for (const _entry of log.recover(undefined)) throw new RangeError("a new log has no entries");
  // What was signed by this key before is of this slot or earlier ones; what is told of these batches again is signed for a later one.
  const nowSeconds = clock.nowSeconds();
  const slotSeconds = deployment.contracts.sequencerSet === undefined ? undefined : Number(deployment.config["slotSeconds"]);
  const adopted = new AdoptedLog(log, executor, slotSeconds === undefined ? 0 : Math.floor(nowSeconds / slotSeconds) + 1);
  let failure: Error | undefined;
  const source = createL1Source({ provider, deployment, consumer: adopted, pollMs: 60_000, onError: (error) => (failure = toError(error)) });
  try {
    await source.poll();
    await source.stop();
  } finally {
    await log.close();
  }
  if (failure !== undefined) throw failure;
  if (adopted.batches === 0) {
    rmSync(partDir, { recursive: true });
    return undefined;
  }
  await writeSignAfter(dataDir, nowSeconds);
  rmSync(logDir, { recursive: true, force: true });
  renameSync(partDir, logDir);
  await syncDir(dataDir);
  logger.info({ batches: adopted.batches }, "the chain was read from L1: the sequencer goes on from there");
  return adopted.batches;
}

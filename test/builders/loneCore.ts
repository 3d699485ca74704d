import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";

import type { BundleRecord as RanRecord, SignedHead } from "../../core/codec/stream.ts";
import { OP } from "../../core/generated/protocol.ts";
import type { EntryInput } from "../../core/transition/index.ts";
import type { Clock } from "../../runtime/clock/Clock.ts";
import { systemClock } from "../../runtime/clock/systemClock.ts";
import { createLocalSigner } from "../../runtime/keystore/createLocalSigner.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { Core } from "../../services/sequencer/Core.ts";
import type { ChainParameters, CoreConfig } from "../../services/sequencer/Core.ts";
import { createHeadSigner } from "../../services/sequencer/heads/HeadSigner.ts";
import type { HeadSigner } from "../../services/sequencer/heads/HeadSigner.ts";
import type { Client, Reply } from "../../services/sequencer/Submission.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { TEST_CHANNELS, TEST_DOMAIN } from "./TestRollup.ts";
import { addressOfKey } from "../../runtime/crypto/secp.ts";
import { signedBundle } from "./signedBundle.ts";
import type { BundleRecord } from "./signedBundle.ts";

const SEQUENCER_KEY = fromHex(`0x${"a7".repeat(32)}`);
const NO_END = 0xffffffff;

/** What a client was told of its bundle, in order. */
export interface Answers {
  readonly levels: string[];
  record?: RanRecord;
  head?: SignedHead;
  root?: { position: number; stateRoot: Uint8Array; signature: Uint8Array; batchCount: number };
  rejection?: { code: number; detail: string };
}

/** A sequencer's core without networks: entries of L1 are handed over by the test, bundles go in without HTTP. */
export class LoneCore {
  readonly core: Core;
  readonly failures: Error[] = [];
  /** Lines of its log. */
  readonly lines: string[] = [];

  private constructor(core: Core, failures: Error[], lines: string[]) {
    this.core = core;
    this.failures = failures;
    this.lines = lines;
  }

  static async start(dataDir: string, config: Partial<CoreConfig> = {}, parts: { signer?: HeadSigner; clock?: Clock; chain?: Partial<ChainParameters>; inbox?: string } = {}): Promise<LoneCore> {
    const failures: Error[] = [];
    const lines: string[] = [];
    const output = new Writable({ write: (chunk: Buffer, _encoding, done) => (lines.push(String(chunk)), done()) });
    const logger = createLogger({ service: "sequencer", level: "debug", output });
    const chain = { domainSeparator: TEST_DOMAIN, channels: TEST_CHANNELS, feeTable: Array.from({ length: 24 }, () => 0), ...parts.chain };
    const domain = { separator: chain.domainSeparator, chainId: 31337, inbox: parts.inbox ?? `0x${"ab".repeat(20)}` };
    const core = await Core.open({
      config: {
        dataDir, batchSlots: 1360, batchMs: 50, signatureWorkers: 1, maxQueue: 1000, maxQueuePerClient: 1000, maxParked: 64, maxParkedPerAgent: 8, parkMs: 500, snapshotLogMib: 1024,
        ...config,
      },
      chain,
      signer: parts.signer ?? createHeadSigner(createLocalSigner(SEQUENCER_KEY), domain, systemClock, logger),
      clock: parts.clock ?? systemClock,
      logger,
      onFailed: (error) => failures.push(error),
    });
    await core.start().catch(async (error: unknown) => {
      await core.stop();
      throw error;
    });
    return new LoneCore(core, failures, lines);
  }

  /** Deposits of L1, one a key: their accounts get the next indices, from 1 on. */
  async deposit(keys: readonly string[], units: number): Promise<void> {
    const { pipeline } = this.core;
    const first = pipeline.nextEntry;
    pipeline.addEntries(keys.map((key, i) => ({ index: first + i, entry: depositEntry(key, units) })));
    await until("the deposits are executed", () => pipeline.inboxCursor === first + keys.length);
  }

  /** Sends bytes; the answers are filled in as they come. */
  send(bytes: Uint8Array, client?: Client): Answers {
    const answers: Answers = { levels: [] };
    const reply: Reply = {
      sequenced: () => void answers.levels.push("sequenced"),
      parked: () => void answers.levels.push("parked"),
      durable: (record, head) => void (answers.levels.push("durable"), (answers.record = record), (answers.head = head)),
      rooted: (position, stateRoot, signature, batchCount) => void (answers.levels.push("rooted"), (answers.root = { position, stateRoot, signature, batchCount })),
      rejected: (code, detail) => void (answers.levels.push("rejected"), (answers.rejection = { code, detail })),
    };
    this.core.pipeline.submit(bytes, reply, client);
    return answers;
  }

  /** Sends bytes and waits for an answer of that level. */
  async sendFor(level: "durable" | "rooted" | "rejected" | "parked", bytes: Uint8Array): Promise<Answers> {
    const answers = this.send(bytes);
    await until(`an answer ${level}`, () => answers.levels.includes(level));
    return answers;
  }

  /** Ends in order. */
  async stop(): Promise<void> {
    await this.core.stopPipeline();
    await this.core.stop();
  }
}

/** A bundle of one account, signed with its key. */
export function bundleOf(key: string, agent: number, nonce: number, records: readonly BundleRecord[], validUntil = NO_END): Uint8Array {
  return signedBundle({ domainSeparator: TEST_DOMAIN, key, agent, nonce, records, validUntil });
}

/** Transfers of one unit each. */
export function transfers(to: number, count: number): BundleRecord[] {
  return Array.from({ length: count }, () => ({ op: "TRANSFER", fields: { to, amount: 1 } }) as const);
}

function depositEntry(key: string, units: number): EntryInput {
  const account = addressOfKey(fromHex(key));
  return { kind: OP.DEPOSIT, sender: account, account, value: units, slots: 0, dataRoot: new Uint8Array(32), dueTime: NO_END, data: new Uint8Array(0) };
}

/** A private key for tests, by number. */
export const testKey = (index: number): string => `0x${(index + 0x1000).toString(16).padStart(64, "0")}`;

/** A folder that is gone after the test. */
export function temporaryFolder(name: string): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `agnt2-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean, timeoutMs = 10_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`it never came to: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

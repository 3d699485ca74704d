import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import { STATE_FORMAT } from "../../core/generated/protocol.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import { DerivationError } from "../DerivationError.ts";
import type { ReplicaSnapshot } from "../ReplicaState.ts";

const NAME = /^batch-(\d+)\.snapshot$/;
const HEAD_BYTES = 8;

interface Header {
  readonly format: number;
  readonly stateFormat: number;
  /** Which chain: its domain separator. */
  readonly domain: string;
  readonly batchCount: number;
  readonly parts: readonly { readonly kind: number; readonly first: number; readonly bytes: number }[];
  readonly receipts: string;
  readonly withdrawals: string;
}

const FORMAT = 1;

function formatError(path: string, expected: string, actual: string): DerivationError {
  return new DerivationError("derivation/format", { path, expected, actual }, "stop", {
    what: `${path} is of ${actual}; this program reads ${expected}`,
    todo: "Use the version that wrote it, or start with an empty data folder and derive everything from L1 again",
  });
}

/** The header; undefined when the length before it, which the checksum does not cover, is wrong. */
function readHeader(file: Buffer, textEnd: number): Header | undefined {
  try {
    return JSON.parse(file.toString("utf8", HEAD_BYTES, textEnd)) as Header;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Snapshots of a replica, one file each, named for the number of batches executed. Whole or not there. */
export class SnapshotStore {
  readonly #dir: string;
  readonly #domain: string;

  constructor(dir: string, domainSeparator: Uint8Array) {
    mkdirSync(dir, { recursive: true });
    this.#dir = dir;
    this.#domain = toHex(domainSeparator);
  }

  /** Batch counts of the snapshots, ascending. */
  list(): number[] {
    const counts = readdirSync(this.#dir).map((name) => NAME.exec(name)?.[1]).filter((count) => count !== undefined);
    return counts.map(Number).sort((a, b) => a - b);
  }

  async write(batchCount: number, snapshot: ReplicaSnapshot): Promise<void> {
    const { parts } = snapshot.state;
    const header: Header = {
      format: FORMAT,
      stateFormat: snapshot.state.format,
      domain: this.#domain,
      batchCount,
      parts: parts.map(({ kind, first, leaves }) => ({ kind, first, bytes: leaves.length })),
      receipts: toHex(snapshot.tree.receipts),
      withdrawals: toHex(snapshot.tree.withdrawals),
    };
    const text = Buffer.from(JSON.stringify(header));
    // In pieces: a state may have hundreds of megabytes.
    const body = [text, ...parts.map(({ leaves }) => leaves)];
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(text.length, 0);
    head.writeUInt32BE(body.reduce((sum, piece) => crc32(piece, sum), 0), 4);
    await writeFileAtomic(this.#path(batchCount), [head, ...body]);
  }

  /**
   * The snapshot, or undefined when its file is damaged.
   * @throws DerivationError `derivation/format` when it is of another version or chain
   */
  read(batchCount: number): ReplicaSnapshot | undefined {
    const path = this.#path(batchCount);
    const file = readFileSync(path);
    if (file.length < HEAD_BYTES || crc32(file.subarray(HEAD_BYTES)) !== file.readUInt32BE(4)) return undefined;
    const textEnd = HEAD_BYTES + file.readUInt32BE(0);
    const header = readHeader(file, textEnd);
    if (header === undefined) return undefined;
    if (header.format !== FORMAT || header.stateFormat !== STATE_FORMAT) {
      throw formatError(path, `format ${FORMAT}, state ${STATE_FORMAT}`, `format ${header.format}, state ${header.stateFormat}`);
    }
    if (header.domain !== this.#domain) throw formatError(path, `chain ${this.#domain}`, `chain ${header.domain}`);
    let at = textEnd;
    const parts = header.parts.map(({ kind, first, bytes }) => {
      at += bytes;
      return { kind, first, leaves: Uint8Array.from(file.subarray(at - bytes, at)) };
    });
    const tree = { receipts: fromHex(header.receipts), withdrawals: fromHex(header.withdrawals) };
    return { state: { format: header.stateFormat, parts }, tree };
  }

  remove(batchCount: number): void {
    rmSync(this.#path(batchCount), { force: true });
  }

  #path(batchCount: number): string {
    return join(this.#dir, `batch-${batchCount}.snapshot`);
  }
}

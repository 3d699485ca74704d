import type { EntryInput } from "../../../core/transition/index.ts";

/** What the log holds, in order. */
export const LOG_KIND = { BATCH: 1, BUNDLE: 2, END: 3, GROUP: 4 } as const;

const ENTRY_HEAD_BYTES = 1 + 20 + 20 + 8 + 4 + 32 + 4;
const ADDRESS_BYTES = 20;

/** The start of a batch, with the entries that it consumes. */
export interface BatchStart {
  readonly l2Time: number;
  readonly queueEnd: number;
  readonly entries: readonly EntryInput[];
}

/** kind, l2Time u32, queueEnd u64, count u16, then the entries: fields, and the slots of forced ones. */
export function encodeBatchStart(start: BatchStart): Uint8Array {
  const bytes = new Uint8Array(15 + start.entries.reduce((sum, { data }) => sum + ENTRY_HEAD_BYTES + data.length, 0));
  const view = new DataView(bytes.buffer);
  bytes[0] = LOG_KIND.BATCH;
  view.setUint32(1, start.l2Time);
  view.setBigUint64(5, BigInt(start.queueEnd));
  view.setUint16(13, start.entries.length);
  let offset = 15;
  for (const entry of start.entries) {
    bytes[offset] = entry.kind;
    bytes.set(entry.sender, offset + 1);
    bytes.set(entry.account, offset + 21);
    view.setBigUint64(offset + 41, BigInt(entry.value));
    view.setUint32(offset + 49, entry.slots);
    bytes.set(entry.dataRoot, offset + 53);
    view.setUint32(offset + 85, entry.dueTime);
    bytes.set(entry.data, offset + ENTRY_HEAD_BYTES);
    offset += ENTRY_HEAD_BYTES + entry.data.length;
  }
  return bytes;
}

export function decodeBatchStart(bytes: Uint8Array): BatchStart {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: EntryInput[] = [];
  let offset = 15;
  for (let left = view.getUint16(13); left > 0; left -= 1) {
    const slots = view.getUint32(offset + 49);
    const end = offset + ENTRY_HEAD_BYTES + slots * 96;
    entries.push({
      kind: bytes[offset],
      sender: bytes.slice(offset + 1, offset + 21),
      account: bytes.slice(offset + 21, offset + 41),
      value: Number(view.getBigUint64(offset + 41)),
      slots,
      dataRoot: bytes.slice(offset + 53, offset + 85),
      dueTime: view.getUint32(offset + 85),
      data: bytes.slice(offset + ENTRY_HEAD_BYTES, end),
    });
    offset = end;
  }
  return { l2Time: view.getUint32(1), queueEnd: Number(view.getBigUint64(5)), entries };
}

/** kind, the address that the signature recovered, the bundle: a replay does not recover it again. */
export function encodeBundle(bundle: Uint8Array, recovered: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + ADDRESS_BYTES + bundle.length);
  bytes[0] = LOG_KIND.BUNDLE;
  bytes.set(recovered, 1);
  bytes.set(bundle, 1 + ADDRESS_BYTES);
  return bytes;
}

/** Views, no copies. */
export function decodeBundle(bytes: Uint8Array): { recovered: Uint8Array; bundle: Uint8Array } {
  return { recovered: bytes.subarray(1, 1 + ADDRESS_BYTES), bundle: bytes.subarray(1 + ADDRESS_BYTES) };
}

/** The end of a batch. */
export function encodeEnd(): Uint8Array {
  return Uint8Array.of(LOG_KIND.END);
}

/** Bytes of a GROUP entry: kind, count u32, slot u64, the segment's mark. */
export const GROUP_BYTES = 1 + 4 + 8 + 8;

/** A group that is written and signed at once. */
export interface GroupStart {
  /** How many bundles it has. */
  readonly bundles: number;
  /** Slot that its head is signed for. */
  readonly slot: number;
}

/** What a restart needs to find the same heads again. */
export function encodeGroup({ bundles, slot }: GroupStart, mark: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(GROUP_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = LOG_KIND.GROUP;
  view.setUint32(1, bundles);
  view.setBigUint64(5, BigInt(slot));
  bytes.set(mark, 13);
  return bytes;
}

export function decodeGroup(bytes: Uint8Array): GroupStart {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bundles: view.getUint32(1), slot: Number(view.getBigUint64(5)) };
}

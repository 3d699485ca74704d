/** A leaf field, or `["-", byteCount]` for bytes that stay zero. */
export type LeafField = readonly [name: string, type: string];
/** A record field and its byte offset in the slot. */
export type RecordField = readonly [name: string, type: string, offset: number];
/** Id, what happened, what to do. */
export type ErrorEntry = readonly [id: number, what: string, todo: string];

/** The shape of `spec/protocol.json`. */
export interface Protocol {
  readonly version: number;
  readonly constants: Readonly<Record<string, number>>;
  readonly subtrees: readonly { readonly kind: number; readonly name: string; readonly depth: number }[];
  readonly systemLeaves: Readonly<Record<string, number>>;
  readonly leaves: Readonly<Record<string, readonly LeafField[]>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly opcodes: Readonly<Record<string, number>>;
  readonly reservedOpcodes: readonly string[];
  readonly entryOpcodes: readonly string[];
  readonly records: Readonly<Record<string, readonly RecordField[]>>;
  readonly errors: Readonly<Record<string, ErrorEntry>>;
  readonly headerErrors: Readonly<Record<string, ErrorEntry>>;
  readonly eip712: {
    readonly domain: { readonly name: string; readonly version: string };
    readonly Bundle: string;
    readonly Head: string;
    readonly Root: string;
    readonly channelDomain: { readonly name: string; readonly version: string };
    readonly channel: Readonly<Record<string, string>>;
  };
}

/** One file that a generator wants written; `path` is relative to the repository. */
export interface GeneratedFile {
  readonly path: string;
  readonly text: string;
}

const WIDTHS: Readonly<Record<string, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, address: 20, bytes32: 32 };

/** Bytes that a field type takes. Throws for a type the specification does not know. */
export function widthOf(type: string): number {
  const width = WIDTHS[type];
  if (width === undefined) throw new Error(`spec/protocol.json: there is no field type ${type}.`);
  return width;
}

/** Byte offsets of the named fields of a leaf. Throws unless the fields fill exactly four words and none straddles two. */
export function leafOffsets(leaf: string, fields: readonly LeafField[]): { name: string; type: string; offset: number }[] {
  const offsets: { name: string; type: string; offset: number }[] = [];
  let offset = 0;
  for (const [name, type] of fields) {
    const width = name === "-" ? Number(type) : widthOf(type);
    if (name !== "-") offsets.push({ name, type, offset });
    if (Math.floor(offset / 32) !== Math.floor((offset + width - 1) / 32)) {
      throw new Error(`spec/protocol.json: ${leaf}.${name} lies in two words.`);
    }
    offset += width;
  }
  if (offset !== 128) throw new Error(`spec/protocol.json: ${leaf} has ${offset} bytes instead of 128.`);
  return offsets;
}

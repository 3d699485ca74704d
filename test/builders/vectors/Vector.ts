/** The shape of `spec/vectors/*.json`; `spec/vectors/README.md` explains it. */
export interface VectorFile {
  readonly about: string;
  /** Steps before every case. */
  readonly setup?: readonly SetupStep[];
  readonly cases: readonly VectorCase[];
}

export type VectorValue = number | string | { readonly keccak: readonly string[] };
export type VectorFields = Readonly<Record<string, VectorValue>>;

/** A record in a signed bundle of its own. */
export interface VectorRecord {
  readonly by: string;
  readonly op: string;
  readonly fields?: VectorFields;
  /** Byte values set after encoding, by offset. */
  readonly patch?: Readonly<Record<string, number>>;
  readonly agent?: number;
  readonly nonce?: number;
  readonly validUntil?: number;
  /** 1: an L1 sender's header, which carries no signature. */
  readonly auth?: number;
  readonly signedBy?: string;
  /** Byte values set in the header slot after signing. */
  readonly patchHeader?: Readonly<Record<string, number>>;
}

export interface VectorEntry {
  readonly entry: string | number;
  readonly sender?: string;
  readonly account?: string;
  readonly value?: number;
  /** The bundle that a FORCED entry carries. */
  readonly forced?: VectorRecord;
}

export type SetupStep =
  | { readonly fund: Readonly<Record<string, number>> }
  | { readonly time: number }
  | { readonly leaf: string; readonly set: VectorFields }
  | VectorRecord
  | VectorEntry;

export interface VectorCase {
  readonly name: string;
  readonly fees?: Readonly<Record<string, number>>;
  readonly setup?: readonly SetupStep[];
  /** What the batch with the measured step holds; `{}` for no batch. */
  readonly step: VectorRecord | VectorEntry | { readonly slot: Readonly<Record<string, number>> } | { readonly none: true };
  /** Phase of the measured step: EXEC for a record and INBOX for an entry unless given. */
  readonly phase?: string;
  readonly outcome: string;
  /** Receipt fields beyond those that every receipt has; none for a rejected one. */
  readonly receipt?: VectorFields | null;
  /** Every field that the step changes, with its new value. */
  readonly changes: Readonly<Record<string, VectorFields>>;
  /** Leaves in touch order, and the root afterwards: computed once, then frozen. */
  touched?: readonly string[];
  postRoot?: string;
}

/** The shape of `spec/vectors/*.json`; `spec/vectors/README.md` explains it. */
export interface VectorFile {
  readonly about: string;
  /** Steps before every case. */
  readonly setup?: readonly SetupStep[];
  readonly cases: readonly VectorCase[];
}

/** A channel of Layer Core by what its id is made of: actors a and b, window, id of the leaf. */
export type VectorChannel = readonly [a: string, b: string, windowSeconds: number, id: number];

export type VectorValue = number | string | { readonly keccak: readonly string[] } | { readonly channelId: VectorChannel };
export type VectorFields = Readonly<Record<string, VectorValue>>;

/** A SIGNATURE record with what an actor signs for a channel. */
export interface VectorSignature {
  /** A type of `CHANNEL_EIP712`. */
  readonly sign: string;
  readonly by: string;
  readonly channel: VectorChannel;
  /** Of the type's fields besides channelId; those left out are zero. */
  readonly values?: VectorFields;
  /** Of the domain, where they are not those of L1 and its adjudicator. */
  readonly chainId?: number;
  readonly adjudicator?: string;
}

/** A record beside the one that counts, in the same bundle. */
export type VectorPart = VectorSignature | { readonly op: string; readonly fields?: VectorFields; readonly patch?: Readonly<Record<string, number>> };

/** A record in a signed bundle of its own. */
export interface VectorRecord {
  readonly by: string;
  /** Records before it in its bundle, and after it: it is the one that is measured. */
  readonly before?: readonly VectorPart[];
  readonly after?: readonly VectorPart[];
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

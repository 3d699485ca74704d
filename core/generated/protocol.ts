// Generated from spec/protocol.json by `npm run generate`. Do not edit.

export const STATE_FORMAT = 1;
export const SLOT_BYTES = 96;
export const CHUNK_SLOTS = 42;
export const MAX_BUNDLE_RECORDS = 512;
export const MAX_FORCED_SLOTS = 64;
export const MAX_UNITS = 9007199254740991;
export const MAX_CALL_SECONDS = 31536000;
export const MAX_WORKFLOW_SECONDS = 31536000;
export const MAX_REVIEW_SECONDS = 2592000;
export const MAX_CHANNEL_SECONDS = 31536000;
export const MAX_WORKFLOW_STEPS = 65535;
export const MAX_RATING = 5;
export const FEE_WORDS = 3;
export const FIRST_OPCODE = 16;
export const TAG_INNER = 0;
export const TAG_ROOT = 255;
export const TOP_DEPTH = 2;
/** Bytes of a leaf. */
export const LEAF_BYTES = 128;

/** Subtree kinds. */
export const KIND = {
  SYSTEM: 1,
  AGENT: 2,
  DIRECTORY: 3,
  INVOCATION: 4,
  WORKFLOW: 5,
  SESSION: 6,
  CHANNEL: 7,
  RECEIPT: 8,
  WITHDRAWAL: 9,
} as const;

/** Depth of each subtree: 4^depth leaves. */
export const DEPTH = {
  SYSTEM: 1,
  AGENT: 12,
  DIRECTORY: 12,
  INVOCATION: 12,
  WORKFLOW: 12,
  SESSION: 12,
  CHANNEL: 12,
  RECEIPT: 24,
  WITHDRAWAL: 16,
} as const;

/** Depth by subtree kind. */
export const DEPTH_OF_KIND: readonly number[] = [0, 1, 12, 12, 12, 12, 12, 12, 24, 16];

/** Leaf indices of subtree SYSTEM. */
export const SYSTEM_LEAF = {
  MACHINE: 0,
  ALLOCATOR: 1,
  REGISTER: 2,
} as const;

/** Opcodes of records, headers and entries. */
export const OP = {
  HEADER: 1,
  OPEN_ACCOUNT: 16,
  TRANSFER: 17,
  INVOKE: 18,
  RESPOND: 19,
  ACCEPT: 20,
  REJECT: 21,
  TIMEOUT: 22,
  WORKFLOW_OPEN: 23,
  COMPOSE: 24,
  CLAIM: 25,
  WITHDRAW: 26,
  SET_SESSION_KEY: 27,
  ADVERTISE: 28,
  SESSION_CLOSE: 29,
  CHANNEL_OPEN: 30,
  CHANNEL_FUND: 31,
  CHANNEL_CLOSE: 32,
  CHANNEL_CHALLENGE: 33,
  CHANNEL_UPDATE: 34,
  CHANNEL_GRANT: 35,
  CHANNEL_EXPORT: 36,
  SIGNATURE: 37,
  DEPOSIT: 64,
  LINK_AGENT: 65,
  FORCED: 66,
  SWEEP_FEES: 67,
} as const;

/** Opcodes that this version rejects as unknown. */
export const RESERVED_OPCODES: readonly number[] = [];

/** Values of PHASE. */
export const PHASE = {
  IDLE: 0,
  INBOX: 1,
  SLOTS: 2,
  ABSORB: 3,
  VERIFY: 4,
  EXEC: 5,
} as const;

/** Values of SOURCE. */
export const SOURCE = {
  BATCH: 0,
  FORCED: 1,
} as const;

/** Values of AUTH. */
export const AUTH = {
  SIGNATURE: 0,
  L1_SENDER: 1,
} as const;

/** Values of SIGNER. */
export const SIGNER = {
  NONE: 0,
  OWNER: 1,
  SESSION: 2,
} as const;

/** Values of INVOCATION_STATUS. */
export const INVOCATION_STATUS = {
  FREE: 0,
  OPEN: 1,
  ANSWERED: 2,
  FAILED: 3,
} as const;

/** Values of WORKFLOW_STATUS. */
export const WORKFLOW_STATUS = {
  FREE: 0,
  OPEN: 1,
  SUCCEEDED: 2,
  REFUNDED: 3,
} as const;

/** Values of POLICY. */
export const POLICY = {
  ON_RESPONSE: 0,
  ON_ACCEPTANCE: 1,
} as const;

/** Values of RESPONSE. */
export const RESPONSE = {
  SUCCESS: 0,
  FAILURE: 1,
} as const;

/** Values of SETTLEMENT. */
export const SETTLEMENT = {
  NONE: 0,
  PAID: 1,
  REFUNDED: 2,
  PENDING: 3,
} as const;

/** Values of WITHDRAWAL_CAUSE. */
export const WITHDRAWAL_CAUSE = {
  WITHDRAW: 0,
  FEES: 1,
  BOUNCED_DEPOSIT: 2,
  EXPORT: 3,
} as const;

/** Values of CHANNEL_STATUS. */
export const CHANNEL_STATUS = {
  FREE: 0,
  OPEN: 1,
  CLOSING: 2,
} as const;

/** Values of CHANNEL_FLAG. */
export const CHANNEL_FLAG = {
  EXTENDED: 1,
} as const;

/** Values of UPDATE_KIND. */
export const UPDATE_KIND = {
  BASE: 0,
  VOUCHER: 1,
} as const;

/** Values of CLOSE_MODE. */
export const CLOSE_MODE = {
  FINAL: 0,
  COOPERATIVE: 1,
} as const;

/** Values of INVOKE_FLAG. */
export const INVOKE_FLAG = {
  REVIEW: 1,
  WORKFLOW: 2,
  SESSION: 4,
  DEPENDENCY: 8,
  SECOND_DEPENDENCY: 16,
} as const;

/** Outcomes of records and entries (below 64) and header errors. */
export const ERROR = {
  OK: 0,
  E_UNKNOWN_OP: 1,
  E_MALFORMED: 2,
  E_FEE: 3,
  E_BALANCE: 4,
  E_SESSION_CAP: 5,
  E_OWNER_ONLY: 6,
  E_UNKNOWN_AGENT: 7,
  E_SELF: 8,
  E_ADDRESS: 9,
  E_EXISTS: 10,
  E_FULL: 11,
  E_AMOUNT: 12,
  E_DEADLINE: 13,
  E_WINDOW: 14,
  E_POLICY: 15,
  E_REFERENCE: 16,
  E_DEP_UNKNOWN: 17,
  E_DEP_PENDING: 18,
  E_DEP_FAILED: 19,
  E_NOT_PROVIDER: 20,
  E_NOT_REQUESTER: 21,
  E_NOT_OWNER: 22,
  E_NOT_PARTY: 23,
  E_ANSWERED: 24,
  E_NOT_ANSWERED: 25,
  E_IN_WORKFLOW: 26,
  E_NOT_WORKFLOW: 27,
  E_WORKFLOW_ENDED: 28,
  E_WORKFLOW_PENDING: 29,
  E_WORKFLOW_STEPS: 30,
  E_ESCROW: 31,
  E_NOT_DUE: 32,
  E_SESSION_BUSY: 33,
  E_CHANNEL_CLOSING: 34,
  E_STALE: 35,
  E_SIGNATURE: 36,
  H_GARBAGE: 64,
  H_AGENT: 65,
  H_NONCE: 66,
  H_EXPIRED: 67,
  H_SIGNATURE: 68,
  H_L1_SENDER: 69,
} as const;

export type ErrorName = keyof typeof ERROR;

/** Every outcome and header error: what happened, and what to do about it. */
export const ERROR_TEXTS: readonly { readonly id: number; readonly name: ErrorName; readonly what: string; readonly todo: string }[] = [
  { id: 0, name: "OK", what: "done", todo: "nothing to do" },
  { id: 1, name: "E_UNKNOWN_OP", what: "the opcode is not one of this chain's operations", todo: "use an opcode of the specification" },
  { id: 2, name: "E_MALFORMED", what: "a field is out of range, or bytes that must be zero are not", todo: "build the record with the codec" },
  { id: 3, name: "E_FEE", what: "the account could not pay the operation's fee in full; what it had was taken", todo: "deposit more, or raise the session key's cap" },
  { id: 4, name: "E_BALANCE", what: "the account holds less than the operation spends", todo: "deposit more or spend less" },
  { id: 5, name: "E_SESSION_CAP", what: "the session key may not spend that much", todo: "sign with the owner key, or have the owner raise the cap" },
  { id: 6, name: "E_OWNER_ONLY", what: "only the owner key may do this", todo: "sign with the owner key" },
  { id: 7, name: "E_UNKNOWN_AGENT", what: "no account with that index or address", todo: "deposit to it or open it first" },
  { id: 8, name: "E_SELF", what: "an agent cannot pay or call itself", todo: "name another agent" },
  { id: 9, name: "E_ADDRESS", what: "the zero address is not allowed here", todo: "name a real address" },
  { id: 10, name: "E_EXISTS", what: "that address has an account already", todo: "use the account it has" },
  { id: 11, name: "E_FULL", what: "no free place is left in that part of the state", todo: "wait until other objects are closed" },
  { id: 12, name: "E_AMOUNT", what: "the amount is zero, or larger than an amount can be", todo: "name an amount above zero and below 2^53" },
  { id: 13, name: "E_DEADLINE", what: "the deadline has passed, or lies too far ahead", todo: "choose a deadline between the chain's time and the limit" },
  { id: 14, name: "E_WINDOW", what: "the review window, or the channel's, is zero or longer than the limit", todo: "choose a window within the limit" },
  { id: 15, name: "E_POLICY", what: "a workflow's step cannot be paid on acceptance", todo: "drop the review flag; COMPOSE is the acceptance" },
  { id: 16, name: "E_REFERENCE", what: "no live object has that slot and id", todo: "it was settled or never existed; look it up again" },
  { id: 17, name: "E_DEP_UNKNOWN", what: "the call this one depends on does not exist yet", todo: "send it after the other one was made" },
  { id: 18, name: "E_DEP_PENDING", what: "the call this one depends on is unanswered", todo: "send it after the other one was answered" },
  { id: 19, name: "E_DEP_FAILED", what: "the call this one depends on failed", todo: "do not make this call" },
  { id: 20, name: "E_NOT_PROVIDER", what: "only the provider of the call may do this", todo: "sign as the provider" },
  { id: 21, name: "E_NOT_REQUESTER", what: "only the requester of the call may do this", todo: "sign as the requester" },
  { id: 22, name: "E_NOT_OWNER", what: "only the owner of the workflow may add steps", todo: "sign as the workflow's owner" },
  { id: 23, name: "E_NOT_PARTY", what: "the session or channel belongs to other agents", todo: "name one that this agent is a party of" },
  { id: 24, name: "E_ANSWERED", what: "the call was answered or has failed already", todo: "nothing to do" },
  { id: 25, name: "E_NOT_ANSWERED", what: "the call has not been answered yet", todo: "wait for the answer or the deadline" },
  { id: 26, name: "E_IN_WORKFLOW", what: "the call is a step of a workflow", todo: "COMPOSE settles it" },
  { id: 27, name: "E_NOT_WORKFLOW", what: "the call is not a step of a workflow", todo: "ACCEPT, REJECT or TIMEOUT settle it" },
  { id: 28, name: "E_WORKFLOW_ENDED", what: "the workflow was composed already", todo: "claim its steps" },
  { id: 29, name: "E_WORKFLOW_PENDING", what: "the workflow has steps that have not ended", todo: "wait for the answers or the deadline" },
  { id: 30, name: "E_WORKFLOW_STEPS", what: "the workflow has all its steps already", todo: "open another workflow" },
  { id: 31, name: "E_ESCROW", what: "the workflow's escrow is smaller than the price", todo: "open a workflow with more escrow" },
  { id: 32, name: "E_NOT_DUE", what: "the deadline or the review window has not passed", todo: "wait until it has" },
  { id: 33, name: "E_SESSION_BUSY", what: "the session has calls outstanding", todo: "settle them first" },
  { id: 34, name: "E_CHANNEL_CLOSING", what: "the channel is being closed", todo: "wait for its end, and open another" },
  { id: 35, name: "E_STALE", what: "the channel has a state at least as new", todo: "nothing to do" },
  { id: 36, name: "E_SIGNATURE", what: "the signature before this record is not of the side that has to sign", todo: "put a SIGNATURE record with the right signature before it" },
  { id: 64, name: "H_GARBAGE", what: "not a bundle header, or its records do not fit", todo: "build the bundle with the codec" },
  { id: 65, name: "H_AGENT", what: "no account with the header's agent index", todo: "deposit first" },
  { id: 66, name: "H_NONCE", what: "the nonce is not the account's next one", todo: "read the account's nonce and sign again" },
  { id: 67, name: "H_EXPIRED", what: "the chain's time is past validUntil", todo: "sign again with a later validUntil" },
  { id: 68, name: "H_SIGNATURE", what: "the signature is neither the owner's nor a live session key's, or is for another chain or other records", todo: "sign with the right key and domain" },
  { id: 69, name: "H_L1_SENDER", what: "the forced entry was not sent by the account's owner", todo: "send it from the owner's address" },
];

export type FieldType = "u8" | "u16" | "u32" | "u64" | "address" | "bytes32";

/** Bytes of each field type. */
export const FIELD_BYTES: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, address: 20, bytes32: 32 };

/** Byte offsets in a MACHINE leaf. */
export const MACHINE = {
  phase: 0,
  source: 1,
  cursor: 2,
  slots: 6,
  batchIndex: 10,
  inboxCursor: 18,
  l2Time: 26,
  queueEnd: 32,
  batchSlots: 40,
  feeBalance: 44,
  receiptCount: 52,
  forcedSender: 64,
  withdrawalCount: 84,
  agentCount: 92,
} as const;

/** Byte offsets in a ALLOCATOR leaf. */
export const ALLOCATOR = {
  invocationNextId: 0,
  invocationNextSlot: 8,
  invocationFreeHead: 12,
  workflowNextId: 32,
  workflowNextSlot: 40,
  workflowFreeHead: 44,
  sessionNextId: 64,
  sessionNextSlot: 72,
  sessionFreeHead: 76,
  channelNextId: 96,
  channelNextSlot: 104,
  channelFreeHead: 108,
} as const;

/** Byte offsets in a REGISTER leaf. */
export const REGISTER = {
  agent: 0,
  nonce: 4,
  count: 12,
  index: 14,
  validUntil: 16,
  auth: 20,
  signer: 21,
  recordsHash: 32,
  signatureR: 64,
  signatureVs: 96,
} as const;

/** Byte offsets in a AGENT leaf. */
export const AGENT = {
  owner: 0,
  sessionExpiry: 20,
  sessionCap: 24,
  sessionKey: 32,
  nonce: 52,
  made: 60,
  balance: 64,
  linkedId: 72,
  served: 80,
  failed: 84,
  disputed: 88,
  ratingCount: 92,
  ratingSum: 96,
  earned: 104,
} as const;

/** Byte offsets in a DIRECTORY leaf. */
export const DIRECTORY = {
  owner: 0,
  nextIndex: 20,
  nextOwner: 32,
  capabilitiesHash: 64,
  pricesHash: 96,
} as const;

/** Byte offsets in a INVOCATION leaf. */
export const INVOCATION = {
  id: 0,
  requester: 8,
  provider: 12,
  price: 16,
  deadline: 24,
  capability: 28,
  status: 32,
  policy: 33,
  reviewTime: 36,
  workflowSlot: 40,
  workflowId: 44,
  sessionSlot: 52,
  sessionId: 56,
  inputHash: 64,
  outputHash: 96,
} as const;

/** Byte offsets in a WORKFLOW leaf. */
export const WORKFLOW = {
  id: 0,
  owner: 8,
  escrow: 12,
  deadline: 20,
  expected: 24,
  status: 28,
  added: 32,
  answered: 36,
  failed: 40,
  claimed: 44,
  total: 48,
} as const;

/** Byte offsets in a SESSION leaf. */
export const SESSION = {
  id: 0,
  requester: 8,
  provider: 12,
  sequence: 16,
  outstanding: 24,
  paid: 32,
  lastHash: 64,
} as const;

/** Byte offsets in a CHANNEL leaf. */
export const CHANNEL = {
  id: 0,
  a: 8,
  b: 12,
  depositA: 16,
  depositB: 24,
  window: 32,
  status: 36,
  flags: 37,
  deadline: 40,
  version: 44,
  paidByA: 48,
  paidByB: 56,
  keyA: 64,
  expiryA: 84,
  capA: 88,
  keyB: 96,
  expiryB: 116,
  capB: 120,
} as const;

/** Byte offsets in a RECEIPT leaf. */
export const RECEIPT = {
  op: 0,
  outcome: 1,
  settlement: 2,
  agent: 4,
  slot: 8,
  amount: 12,
  id: 20,
  l2Time: 28,
  inputHash: 32,
  outputHash: 64,
  requester: 96,
  provider: 100,
  capability: 104,
  nonce: 108,
  index: 116,
  batchIndex: 118,
} as const;

/** Byte offsets in a WITHDRAWAL leaf. */
export const WITHDRAWAL = {
  recipient: 0,
  amount: 20,
  l2Time: 28,
  agent: 32,
  batchIndex: 36,
  cause: 44,
  context: 64,
  contextHash: 96,
} as const;

export type LeafName = "MACHINE" | "ALLOCATOR" | "REGISTER" | "AGENT" | "DIRECTORY" | "INVOCATION" | "WORKFLOW" | "SESSION" | "CHANNEL" | "RECEIPT" | "WITHDRAWAL";

/** Name, type and byte offset of the fields of each leaf. */
export const LEAF_LAYOUT: Readonly<Record<LeafName, readonly (readonly [name: string, type: FieldType, offset: number])[]>> = {
  MACHINE: [["phase", "u8", 0], ["source", "u8", 1], ["cursor", "u32", 2], ["slots", "u32", 6], ["batchIndex", "u64", 10], ["inboxCursor", "u64", 18], ["l2Time", "u32", 26], ["queueEnd", "u64", 32], ["batchSlots", "u32", 40], ["feeBalance", "u64", 44], ["receiptCount", "u64", 52], ["forcedSender", "address", 64], ["withdrawalCount", "u64", 84], ["agentCount", "u32", 92]],
  ALLOCATOR: [["invocationNextId", "u64", 0], ["invocationNextSlot", "u32", 8], ["invocationFreeHead", "u32", 12], ["workflowNextId", "u64", 32], ["workflowNextSlot", "u32", 40], ["workflowFreeHead", "u32", 44], ["sessionNextId", "u64", 64], ["sessionNextSlot", "u32", 72], ["sessionFreeHead", "u32", 76], ["channelNextId", "u64", 96], ["channelNextSlot", "u32", 104], ["channelFreeHead", "u32", 108]],
  REGISTER: [["agent", "u32", 0], ["nonce", "u64", 4], ["count", "u16", 12], ["index", "u16", 14], ["validUntil", "u32", 16], ["auth", "u8", 20], ["signer", "u8", 21], ["recordsHash", "bytes32", 32], ["signatureR", "bytes32", 64], ["signatureVs", "bytes32", 96]],
  AGENT: [["owner", "address", 0], ["sessionExpiry", "u32", 20], ["sessionCap", "u64", 24], ["sessionKey", "address", 32], ["nonce", "u64", 52], ["made", "u32", 60], ["balance", "u64", 64], ["linkedId", "u64", 72], ["served", "u32", 80], ["failed", "u32", 84], ["disputed", "u32", 88], ["ratingCount", "u32", 92], ["ratingSum", "u64", 96], ["earned", "u64", 104]],
  DIRECTORY: [["owner", "address", 0], ["nextIndex", "u32", 20], ["nextOwner", "address", 32], ["capabilitiesHash", "bytes32", 64], ["pricesHash", "bytes32", 96]],
  INVOCATION: [["id", "u64", 0], ["requester", "u32", 8], ["provider", "u32", 12], ["price", "u64", 16], ["deadline", "u32", 24], ["capability", "u32", 28], ["status", "u8", 32], ["policy", "u8", 33], ["reviewTime", "u32", 36], ["workflowSlot", "u32", 40], ["workflowId", "u64", 44], ["sessionSlot", "u32", 52], ["sessionId", "u64", 56], ["inputHash", "bytes32", 64], ["outputHash", "bytes32", 96]],
  WORKFLOW: [["id", "u64", 0], ["owner", "u32", 8], ["escrow", "u64", 12], ["deadline", "u32", 20], ["expected", "u32", 24], ["status", "u8", 28], ["added", "u32", 32], ["answered", "u32", 36], ["failed", "u32", 40], ["claimed", "u32", 44], ["total", "u64", 48]],
  SESSION: [["id", "u64", 0], ["requester", "u32", 8], ["provider", "u32", 12], ["sequence", "u64", 16], ["outstanding", "u32", 24], ["paid", "u64", 32], ["lastHash", "bytes32", 64]],
  CHANNEL: [["id", "u64", 0], ["a", "u32", 8], ["b", "u32", 12], ["depositA", "u64", 16], ["depositB", "u64", 24], ["window", "u32", 32], ["status", "u8", 36], ["flags", "u8", 37], ["deadline", "u32", 40], ["version", "u32", 44], ["paidByA", "u64", 48], ["paidByB", "u64", 56], ["keyA", "address", 64], ["expiryA", "u32", 84], ["capA", "u64", 88], ["keyB", "address", 96], ["expiryB", "u32", 116], ["capB", "u64", 120]],
  RECEIPT: [["op", "u8", 0], ["outcome", "u8", 1], ["settlement", "u8", 2], ["agent", "u32", 4], ["slot", "u32", 8], ["amount", "u64", 12], ["id", "u64", 20], ["l2Time", "u32", 28], ["inputHash", "bytes32", 32], ["outputHash", "bytes32", 64], ["requester", "u32", 96], ["provider", "u32", 100], ["capability", "u32", 104], ["nonce", "u64", 108], ["index", "u16", 116], ["batchIndex", "u64", 118]],
  WITHDRAWAL: [["recipient", "address", 0], ["amount", "u64", 20], ["l2Time", "u32", 28], ["agent", "u32", 32], ["batchIndex", "u64", 36], ["cause", "u8", 44], ["context", "bytes32", 64], ["contextHash", "bytes32", 96]],
};

/** Byte offsets in the 96-byte slot of each record. */
export const RECORD = {
  HEADER: { op: 0, auth: 1, count: 2, agent: 4, nonce: 8, validUntil: 16, signatureR: 32, signatureVs: 64 },
  OPEN_ACCOUNT: { op: 0, owner: 4, amount: 24 },
  TRANSFER: { op: 0, to: 4, amount: 8 },
  INVOKE: { op: 0, flags: 1, provider: 4, price: 8, deadline: 16, capability: 20, reviewWindow: 24, workflowSlot: 28, inputHash: 32, workflowId: 64, depSlot: 72, depId: 76, auxSlot: 84, auxId: 88 },
  RESPOND: { op: 0, status: 1, slot: 4, id: 8, outputHash: 32 },
  ACCEPT: { op: 0, rating: 1, slot: 4, id: 8 },
  REJECT: { op: 0, rating: 1, slot: 4, id: 8 },
  TIMEOUT: { op: 0, slot: 4, id: 8 },
  WORKFLOW_OPEN: { op: 0, expected: 4, escrow: 8, deadline: 16 },
  COMPOSE: { op: 0, slot: 4, id: 8 },
  CLAIM: { op: 0, slot: 4, id: 8 },
  WITHDRAW: { op: 0, recipient: 4, amount: 24 },
  SET_SESSION_KEY: { op: 0, key: 4, cap: 24, expiry: 32 },
  ADVERTISE: { op: 0, capabilitiesHash: 32, pricesHash: 64 },
  SESSION_CLOSE: { op: 0, slot: 4, id: 8 },
  CHANNEL_OPEN: { op: 0, partner: 4, amount: 8, window: 16 },
  CHANNEL_FUND: { op: 0, side: 1, slot: 4, id: 8, amount: 16 },
  CHANNEL_CLOSE: { op: 0, mode: 1, slot: 4, id: 8, paidByA: 16, paidByB: 24 },
  CHANNEL_CHALLENGE: { op: 0, slot: 4, id: 8 },
  CHANNEL_UPDATE: { op: 0, kind: 1, side: 2, slot: 4, id: 8, paidByA: 16, paidByB: 24, version: 32, sequence: 36, callsHash: 64 },
  CHANNEL_GRANT: { op: 0, side: 1, slot: 4, id: 8, cap: 16, key: 32, expiry: 52 },
  CHANNEL_EXPORT: { op: 0, slot: 4, id: 8 },
  SIGNATURE: { op: 0, signatureR: 32, signatureVs: 64 },
} as const;

/** The decoded fields of each record; amounts in units, times in unix seconds. */
export interface RecordFields {
  HEADER: { auth: number; count: number; agent: number; nonce: number; validUntil: number; signatureR: Uint8Array; signatureVs: Uint8Array };
  OPEN_ACCOUNT: { owner: Uint8Array; amount: number };
  TRANSFER: { to: number; amount: number };
  INVOKE: { flags: number; provider: number; price: number; deadline: number; capability: number; reviewWindow: number; workflowSlot: number; inputHash: Uint8Array; workflowId: number; depSlot: number; depId: number; auxSlot: number; auxId: number };
  RESPOND: { status: number; slot: number; id: number; outputHash: Uint8Array };
  ACCEPT: { rating: number; slot: number; id: number };
  REJECT: { rating: number; slot: number; id: number };
  TIMEOUT: { slot: number; id: number };
  WORKFLOW_OPEN: { expected: number; escrow: number; deadline: number };
  COMPOSE: { slot: number; id: number };
  CLAIM: { slot: number; id: number };
  WITHDRAW: { recipient: Uint8Array; amount: number };
  SET_SESSION_KEY: { key: Uint8Array; cap: number; expiry: number };
  ADVERTISE: { capabilitiesHash: Uint8Array; pricesHash: Uint8Array };
  SESSION_CLOSE: { slot: number; id: number };
  CHANNEL_OPEN: { partner: number; amount: number; window: number };
  CHANNEL_FUND: { side: number; slot: number; id: number; amount: number };
  CHANNEL_CLOSE: { mode: number; slot: number; id: number; paidByA: number; paidByB: number };
  CHANNEL_CHALLENGE: { slot: number; id: number };
  CHANNEL_UPDATE: { kind: number; side: number; slot: number; id: number; paidByA: number; paidByB: number; version: number; sequence: number; callsHash: Uint8Array };
  CHANNEL_GRANT: { side: number; slot: number; id: number; cap: number; key: Uint8Array; expiry: number };
  CHANNEL_EXPORT: { slot: number; id: number };
  SIGNATURE: { signatureR: Uint8Array; signatureVs: Uint8Array };
}

/** Name, type and byte offset of the fields of each record, in order of offset. */
export const RECORD_LAYOUT: Readonly<Record<keyof RecordFields, readonly (readonly [name: string, type: FieldType, offset: number])[]>> = {
  HEADER: [["op", "u8", 0], ["auth", "u8", 1], ["count", "u16", 2], ["agent", "u32", 4], ["nonce", "u64", 8], ["validUntil", "u32", 16], ["signatureR", "bytes32", 32], ["signatureVs", "bytes32", 64]],
  OPEN_ACCOUNT: [["op", "u8", 0], ["owner", "address", 4], ["amount", "u64", 24]],
  TRANSFER: [["op", "u8", 0], ["to", "u32", 4], ["amount", "u64", 8]],
  INVOKE: [["op", "u8", 0], ["flags", "u8", 1], ["provider", "u32", 4], ["price", "u64", 8], ["deadline", "u32", 16], ["capability", "u32", 20], ["reviewWindow", "u32", 24], ["workflowSlot", "u32", 28], ["inputHash", "bytes32", 32], ["workflowId", "u64", 64], ["depSlot", "u32", 72], ["depId", "u64", 76], ["auxSlot", "u32", 84], ["auxId", "u64", 88]],
  RESPOND: [["op", "u8", 0], ["status", "u8", 1], ["slot", "u32", 4], ["id", "u64", 8], ["outputHash", "bytes32", 32]],
  ACCEPT: [["op", "u8", 0], ["rating", "u8", 1], ["slot", "u32", 4], ["id", "u64", 8]],
  REJECT: [["op", "u8", 0], ["rating", "u8", 1], ["slot", "u32", 4], ["id", "u64", 8]],
  TIMEOUT: [["op", "u8", 0], ["slot", "u32", 4], ["id", "u64", 8]],
  WORKFLOW_OPEN: [["op", "u8", 0], ["expected", "u32", 4], ["escrow", "u64", 8], ["deadline", "u32", 16]],
  COMPOSE: [["op", "u8", 0], ["slot", "u32", 4], ["id", "u64", 8]],
  CLAIM: [["op", "u8", 0], ["slot", "u32", 4], ["id", "u64", 8]],
  WITHDRAW: [["op", "u8", 0], ["recipient", "address", 4], ["amount", "u64", 24]],
  SET_SESSION_KEY: [["op", "u8", 0], ["key", "address", 4], ["cap", "u64", 24], ["expiry", "u32", 32]],
  ADVERTISE: [["op", "u8", 0], ["capabilitiesHash", "bytes32", 32], ["pricesHash", "bytes32", 64]],
  SESSION_CLOSE: [["op", "u8", 0], ["slot", "u32", 4], ["id", "u64", 8]],
  CHANNEL_OPEN: [["op", "u8", 0], ["partner", "u32", 4], ["amount", "u64", 8], ["window", "u32", 16]],
  CHANNEL_FUND: [["op", "u8", 0], ["side", "u8", 1], ["slot", "u32", 4], ["id", "u64", 8], ["amount", "u64", 16]],
  CHANNEL_CLOSE: [["op", "u8", 0], ["mode", "u8", 1], ["slot", "u32", 4], ["id", "u64", 8], ["paidByA", "u64", 16], ["paidByB", "u64", 24]],
  CHANNEL_CHALLENGE: [["op", "u8", 0], ["slot", "u32", 4], ["id", "u64", 8]],
  CHANNEL_UPDATE: [["op", "u8", 0], ["kind", "u8", 1], ["side", "u8", 2], ["slot", "u32", 4], ["id", "u64", 8], ["paidByA", "u64", 16], ["paidByB", "u64", 24], ["version", "u32", 32], ["sequence", "u64", 36], ["callsHash", "bytes32", 64]],
  CHANNEL_GRANT: [["op", "u8", 0], ["side", "u8", 1], ["slot", "u32", 4], ["id", "u64", 8], ["cap", "u64", 16], ["key", "address", 32], ["expiry", "u32", 52]],
  CHANNEL_EXPORT: [["op", "u8", 0], ["slot", "u32", 4], ["id", "u64", 8]],
  SIGNATURE: [["op", "u8", 0], ["signatureR", "bytes32", 32], ["signatureVs", "bytes32", 64]],
};

/** Signed types (B-5). */
export const EIP712 = {
  name: "agnt2",
  version: "1",
  Bundle: "Bundle(uint32 agent,uint64 nonce,uint16 count,uint32 validUntil,bytes32 recordsHash)",
  Head: "Head(uint64 slot,uint64 position,bytes32 head)",
  Root: "Root(uint64 position,uint64 batchCount,bytes32 stateRoot)",
} as const;

/** Signed types of channels (docs/CHANNELS.md). */
export const CHANNEL_EIP712 = {
  name: "agnt2 channel",
  version: "1",
  Base: "Base(bytes32 channelId,uint32 version,uint64 paidByA,uint64 paidByB)",
  Voucher: "Voucher(bytes32 channelId,uint8 payer,uint32 version,uint64 sequence,uint64 paid,bytes32 locksHash,bytes32 callsHash)",
  Ack: "Ack(bytes32 channelId,uint8 payer,uint32 version,uint64 sequence,bytes32 callsHash,uint64 results,bytes32 resultsHash)",
  Grant: "Grant(bytes32 channelId,address key,uint64 cap,uint40 expiry)",
  Close: "Close(bytes32 channelId,uint64 paidByA,uint64 paidByB)",
  Withdrawal: "Withdrawal(bytes32 channelId,uint32 nonce,uint8 side,uint64 amount,uint40 validUntil)",
  Export: "Export(bytes32 channelId)",
} as const;

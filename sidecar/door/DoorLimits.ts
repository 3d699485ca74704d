/** What the door bears. Times in milliseconds, sizes in bytes. */
export interface DoorLimits {
  /** Request line and headers of a request together. */
  readonly headerBytes: number;
  /** Headers of a request, and of an answer. */
  readonly headerCount: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headerMs: number;
  /** Between two pieces of a request's body. */
  readonly bodyIdleMs: number;
  /** A client that takes nothing for so long while bytes wait for it is cut off. */
  readonly stallMs: number;
  /** An answer that is paid after it must end so long after its head, unless its length is known. */
  readonly holdMs: number;
  /** Answers that are held until they are paid, all together; an answer beyond is not sold (503). */
  readonly heldBytes: number;
  /** A WebSocket without a byte either way for so long is closed. */
  readonly tunnelIdleMs: number;
  /** Status line and headers of an answer. */
  readonly answerHeaderBytes: number;
  /** Clients' connections at once. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Exchanges at once; more get a 503 before any payment is looked at. */
  readonly running: number;
  readonly runningPerAddress: number;
  /** After these a connection is closed; 0: never. */
  readonly requestsPerConnection: number;
  /** An idle connection of a client is kept so long. */
  readonly keepAliveMs: number;
  /** HTTP/2: streams at once of one connection. */
  readonly streamsPerConnection: number;
  /** HTTP/2: streams that a client may reset at once, and how many more every second, before it is sent away. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Connections to the upstream. */
  readonly upstreamConnections: number;
  /** Idle ones are closed after this. */
  readonly upstreamIdleMs: number;
}

export const DEFAULT_DOOR_LIMITS: DoorLimits = {
  headerBytes: 32_768,
  headerCount: 100,
  headerMs: 10_000,
  bodyIdleMs: 30_000,
  stallMs: 60_000,
  holdMs: 30_000,
  heldBytes: 268_435_456,
  tunnelIdleMs: 600_000,
  answerHeaderBytes: 65_536,
  connections: 10_000,
  connectionsPerAddress: 1_000,
  running: 1_024,
  runningPerAddress: 256,
  requestsPerConnection: 0,
  keepAliveMs: 30_000,
  streamsPerConnection: 100,
  resetBurst: 200,
  resetsPerSecond: 20,
  upstreamConnections: 256,
  upstreamIdleMs: 4_000,
};

/** How an exchange is paid; `none`: a free route of the same gate. */
export type Payment = "none" | "x402" | "l2" | "channel";

/** bare: the service alone. proxy: a plain `node:http` proxy before it. middleware: the gate inside it. process: the door before it. */
export type Role = "bare" | "proxy" | "middleware" | "process";

/** Where the chain is, for the ways that need one. */
export interface BenchNetwork {
  readonly chainId: number;
  readonly l1Url: string;
  readonly sequencerUrl: string;
  readonly apiUrl: string;
  readonly deploymentFile: string;
  readonly facilitatorUrl: string;
  readonly testDollar: string;
}

/** A server under test, in a process of its own. */
export interface ServerPlan {
  readonly role: Role;
  readonly payment: Payment;
  /** Of the service, for proxy and process. */
  readonly upstreamPort: number;
  readonly network: BenchNetwork | undefined;
  /** Of the agent that is paid; funded. */
  readonly key: string;
  readonly dir: string;
}

/** What the load needs to know of a server. */
export interface ServerReady {
  readonly port: number;
  /** Address of the agent that is paid. */
  readonly payTo: string;
  /** Where it takes channels. */
  readonly peer: string | undefined;
}

/** One measurement: so many connections at one server, each with one request at a time. */
export interface LoadPlan {
  readonly payment: Payment;
  readonly server: ServerReady;
  readonly connections: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Requests a second over all connections, evenly; undefined: each connection asks again as soon as it is answered. */
  readonly ratePerSecond: number | undefined;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time of the load's own process for each request: of the client, and of whoever pays. */
  readonly loadCpuUs: number;
}

/** Most of what one exchange costs, in base units: of ETH for calls and channels, of the dollar for x402. */
export const PRICE_BASE = 1_000_000_000n;
export const PRICE_ETH = "0.000000001";
export const PRICE_DOLLARS = "0.0001";
export const PRICE_DOLLARS_BASE = 100n;
/** What is asked for, everywhere the same. */
export const TARGET = "/quote?pair=ETH-USD";
export const ANSWER = JSON.stringify({ pair: "ETH-USD", price: "4012.55", at: "2026-01-01T00:00:00Z" });

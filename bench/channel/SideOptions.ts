/** What one of the two processes is to do. */
export interface SideOptions {
  readonly side: "payer" | "payee";
  readonly dir: string;
  readonly transport: "tls" | "libp2p";
  readonly mode: "each" | "chained";
  readonly pairs: number;
  /** Of each request and each response. */
  readonly payloadBytes: number;
  readonly maxCallsPerFrame: number | undefined;
  readonly maxInFlight: number | undefined;
}

export interface LoadOptions {
  /** Where the payee, or a proxy before it, listens. */
  readonly address: string;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Calls a second over all pairs; left out: as many as the window lets through. */
  readonly callsPerSecond: number | undefined;
  /** Calls without an answer at a time, over all pairs. */
  readonly window: number;
}

export interface SideReport {
  readonly cpuSeconds: number;
  readonly peakRssMiB: number;
  /** Groups that went to disk, each with one fdatasync. */
  readonly commits: number;
  readonly signatures: number;
  readonly verifications: number;
  /** Units that this side saw paid, over all channels. */
  readonly paidUnits: number;
  readonly calls: number;
}

export interface LoadReport extends SideReport {
  readonly seconds: number;
  /** Answers that came in the measured time. */
  readonly answered: number;
  readonly counts: readonly number[];
}

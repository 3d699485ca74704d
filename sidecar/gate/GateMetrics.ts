import type { WayName } from "../ways/Way.ts";
import type { CancelReason } from "./Sale.ts";

/** Where the gate counts. Every method is called in the path of a request: cheap, and it does not throw. */
export interface GateMetrics {
  free(): void;
  /** A request without a payment got its 402. */
  unpaid(): void;
  /** Anything else that was refused, by its code. */
  refused(code: string): void;
  /** A payment was verified (and claimed); its request goes to the service. */
  sold(way: WayName): void;
  /** Money came in. @param amount base units of `asset` */
  settled(way: WayName, asset: string, amount: bigint): void;
  /** It did not; the answer was withheld. */
  unsettled(way: WayName, code: string): void;
  released(way: WayName, reason: CancelReason): void;
  repeated(way: WayName): void;
}

const nothing = (): void => undefined;

export const NO_METRICS: GateMetrics = { free: nothing, unpaid: nothing, refused: nothing, sold: nothing, settled: nothing, unsettled: nothing, released: nothing, repeated: nothing };

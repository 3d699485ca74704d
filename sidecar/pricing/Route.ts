import type { RouteLimits } from "../gate/Sale.ts";
import type { WayName, WayPrice } from "../ways/Way.ts";

/** One line of the price list, ready for use. */
export interface Route extends RouteLimits {
  /** Place in its table; the first that matches wins. */
  readonly index: number;
  /** As it is written: `POST /translate`. */
  readonly match: string;
  /** A method in upper case, or `*`. */
  readonly method: string;
  /** As it is written: `/a`, `/a/:id` or `/a/*`. */
  readonly pattern: string;
  readonly isFree: boolean;
  /** Whether a request may reach the service twice, whatever its method. */
  readonly isIdempotent: boolean;
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  /** What this way may be paid with; empty: the route is not sold that way. */
  pricesFor(way: WayName): readonly WayPrice[];
}

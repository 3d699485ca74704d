import type { Route } from "../pricing/Route.ts";
import type { Offers } from "./Offers.ts";
import type { BodyReader, RequestHead } from "./RequestHead.ts";

/** A request that brings a payment. */
export interface RequestContext {
  readonly head: RequestHead;
  readonly body: BodyReader;
  readonly route: Route;
  readonly offers: Offers;
  /** In the form that prices are matched against. */
  readonly path: string;
}

/** What a service may get twice without doing it twice (RFC 9110 9.2.2); TRACE is never sold. */
export const REPEATABLE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** Whether the service may get this request a second time. */
export function isRepeatable({ head, route }: RequestContext): boolean {
  return !head.isUpgrade && (route.isIdempotent || REPEATABLE_METHODS.has(head.method));
}

/** A header that must stand there once, as one value. */
export function headerOf({ headers }: RequestHead, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value === undefined ? undefined : value.join(", ");
}

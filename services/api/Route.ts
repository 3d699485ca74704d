import type { z } from "zod";

import type { ApiContext } from "./ApiContext.ts";
import type { ApiErrorCode } from "./ApiError.ts";

type Shape = Readonly<Record<string, z.ZodType>>;
type Values<S extends Shape> = { readonly [K in keyof S]: z.output<S[K]> };

/** One GET of the API: what it takes, what it answers, and how. The server and the OpenAPI document are both made of these. */
export interface Route<P extends Shape = Shape, Q extends Shape = Shape, A extends z.ZodType = z.ZodType> {
  /** With parameters in braces: `/v1/agents/{agent}`. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  readonly answer: A;
  /** Refusals besides those of every route. */
  readonly errors: readonly ApiErrorCode[];
  readonly handle: (context: ApiContext, params: Values<P>, query: Values<Q>) => z.output<A> | Promise<z.output<A>>;
}

// A list of routes holds routes of all types; each was checked where it was defined.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyRoute = Route<any, any, any>;

/** Fixes the types of a route; parts that are left out are empty. */
export function defineRoute<A extends z.ZodType, P extends Shape = Record<never, never>, Q extends Shape = Record<never, never>>(
  route: Omit<Route<P, Q, A>, "params" | "query" | "errors"> & { params?: P; query?: Q; errors?: readonly ApiErrorCode[] },
): Route<P, Q, A> {
  return { params: {} as P, query: {} as Q, errors: [], ...route };
}

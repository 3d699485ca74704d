import { z } from "zod";

import type { ApiContext } from "../../ApiContext.ts";
import { ApiError } from "../../ApiError.ts";
import { index } from "../../schemas.ts";
import type { Economy } from "../Economy.ts";

const MAX_PAGE = 200;

/** Query of a list that is walked by a cursor. */
export function cursorPage<T extends z.ZodType>(cursor: T) {
  return {
    cursor: cursor.optional().describe("`next` of the page before"),
    limit: index.pipe(z.number().min(1).max(MAX_PAGE)).optional().describe(`At most so many, up to ${MAX_PAGE}; 50 when left out`),
  };
}

/** true or false in a query. */
export const flag = z.enum(["true", "false"]).transform((text) => text === "true");

export function notFound(what: string, key: string): ApiError<"api/notFound"> {
  return new ApiError("api/notFound", { what, key }, `there is no ${what} ${key}`);
}

/** The routes of the economy are there only with it. */
export function economyOf({ economy }: ApiContext): Economy {
  if (economy === undefined) throw new ApiError("api/notReady", {}, "the economy is not indexed here");
  return economy;
}

/** Unix seconds that phases are told for: L1's clock goes on between its blocks. */
export function l1NowSeconds(context: ApiContext): number {
  return Math.max(context.nowSeconds(), context.l1().timestamp ?? 0);
}

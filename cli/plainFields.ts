import type { Json } from "../sdk/HttpService.ts";
import type { Row } from "./Report.ts";

/** Only fields that are plain values: what a table or a list of facts can show. */
export function plainFields(json: Json): Row {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value === null || typeof value !== "object")) as Row;
}

import { readFileSync } from "node:fs";

/** A deployment file as clients take it, with the contract of channels. */
export function readContracts(file: string): { readonly deployment: unknown; readonly adjudicator: string } {
  const deployment = JSON.parse(readFileSync(file, "utf8")) as { contracts: Record<string, string> };
  const adjudicator = deployment.contracts["adjudicator"];
  if (adjudicator === undefined) throw new Error(`${file} names no adjudicator`);
  return { deployment, adjudicator };
}

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

import type { InterfaceAbi } from "ethers";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts");

/** A compiled contract by where it is in `contracts`, as "agents/ProofOfService". */
export function readArtifact(source: string): { readonly abi: InterfaceAbi; readonly bytecode: string } {
  return JSON.parse(readFileSync(join(ARTIFACTS, `${source}.sol`, `${basename(source)}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
}

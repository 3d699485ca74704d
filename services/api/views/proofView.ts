import type { z } from "zod";

import { toHex } from "../../../core/codec/hex.ts";
import type { ProvenLeaf } from "../../../derivation/Replica.ts";
import type { proof } from "../schemas.ts";
import { words } from "./names.ts";

export function proofView(proven: ProvenLeaf): z.output<typeof proof> {
  const { kind, index, batchCount } = proven;
  return { kind, index, leaf: words(proven.leaf), siblings: words(proven.proof), stateRoot: toHex(proven.stateRoot), batchCount };
}

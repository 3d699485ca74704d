import { readdirSync, readFileSync } from "node:fs";

import type { VectorFile } from "./Vector.ts";

const folder = new URL("../../../spec/vectors/", import.meta.url);

/** All vector files, by name without the extension. Throws when there is none. */
export function loadVectors(): ReadonlyMap<string, VectorFile> {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  if (names.length === 0) throw new Error("spec/vectors holds no vectors.");
  return new Map(names.sort().map((name) => [name.slice(0, -5), JSON.parse(readFileSync(new URL(name, folder), "utf8")) as VectorFile]));
}

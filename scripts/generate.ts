/**
 * `npm run generate` writes what both languages share from `spec/protocol.json`; with `--check` it compares instead and fails
 * when a file is not current. Generators that live in optional files are run when those are there.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { GeneratedFile, Protocol } from "./generate/Protocol.ts";
import { generateTypescript } from "./generate/typescript.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const isCheck = process.argv.includes("--check");
const protocol = JSON.parse(readFileSync(join(root, "spec/protocol.json"), "utf8")) as Protocol;

/** Runs the export `name` of `scripts/generate/FILE` if that file exists. */
async function optional(file: string, name: string): Promise<GeneratedFile[]> {
  const path = join(root, "scripts/generate", file);
  if (!existsSync(path)) return [];
  const module = (await import(path)) as Record<string, (protocol: Protocol) => GeneratedFile[]>;
  const generator = module[name];
  if (generator === undefined) throw new Error(`scripts/generate/${file} does not export ${name}.`);
  return generator(protocol);
}

const files = [...generateTypescript(protocol), ...(await optional("solidity.ts", "generateSolidity")), ...(await optional("abi.ts", "generateAbi")), ...(await optional("errorsDoc.ts", "generateErrorsDoc")), ...(await optional("configurationDoc.ts", "generateConfigurationDoc"))];
let stale = 0;
for (const { path, text } of files) {
  const target = join(root, path);
  if (existsSync(target) && readFileSync(target, "utf8") === text) continue;
  stale += 1;
  console.log(isCheck ? `${path} is not current.` : `Wrote ${path}.`);
  if (isCheck) continue;
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}
if (isCheck && stale > 0) {
  console.log("Run npm run generate, then commit.");
  process.exitCode = 1;
} else {
  console.log(`${files.length} generated file${files.length === 1 ? " is" : "s are"} current.`);
}

/**
 * `npm run build:wasm` compiles assembly/ twice (with SIMD and without) and writes both modules as base64 to
 * core/hash/generated/keccakWasm.ts; with `--check` it compares instead. The compiler is pinned, so the comparison is exact.
 */
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import asc from "assemblyscript/asc";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = join(root, "core", "hash", "generated", "keccakWasm.ts");
const LINE_CHARACTERS = 120;

async function compile(simdSwitch: "--enable" | "--disable"): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "keccak-wasm-"));
  try {
    const out = join(folder, "keccak.wasm");
    const flags = ["--runtime", "stub", "--noAssert", "-O3", "--zeroFilledMemory", simdSwitch, "simd"];
    const { error, stderr } = await asc.main(["assembly/index.ts", "-o", out, "--baseDir", root, ...flags]);
    if (error !== null) throw new Error(`assembly/ does not compile: ${error.message}\n${stderr.toString()}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function declareBase64(name: string, comment: string, bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("base64");
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += LINE_CHARACTERS) lines.push(text.slice(at, at + LINE_CHARACTERS));
  return `/** ${comment} ${bytes.length} bytes. */\nexport const ${name} = (\n  "${lines.join('" +\n  "')}"\n);\n`;
}

const generated = [
  "// Generated from assembly/ by `npm run build:wasm`. Do not edit.\n",
  declareBase64("KECCAK_WASM_SIMD", "The module for engines with 128-bit SIMD, base64.", await compile("--enable")),
  declareBase64("KECCAK_WASM_SCALAR", "The module for engines without it, base64.", await compile("--disable")),
].join("\n");

if (!process.argv.includes("--check")) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, generated);
  console.log("Wrote core/hash/generated/keccakWasm.ts.");
} else if (readFileSync(target, "utf8") === generated) {
  console.log("core/hash/generated/keccakWasm.ts is current.");
} else {
  console.log("core/hash/generated/keccakWasm.ts differs from assembly/: npm run build:wasm, then commit.");
  process.exitCode = 1;
}

#!/usr/bin/env node
// Starts the CLI. Node 22.18 and newer run TypeScript as it is; for an older one the repository's own Node takes over.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";

const main = join(import.meta.dirname, "..", "main.ts");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  // Compiling takes most of the time of a short command: what was compiled once is kept in the system's temporary folder.
  module.enableCompileCache();
  const { runCli } = await import(main);
  process.exitCode = await runCli(process.argv);
} else {
  const node = join(import.meta.dirname, "..", "..", "node_modules", ".bin", "node");
  if (!existsSync(node)) {
    process.stderr.write("agnt2 needs its packages: run npm run setup in the repository first.\n");
    process.exitCode = 1;
  } else {
    const { status } = spawnSync(node, [import.meta.filename, ...process.argv.slice(2)], { stdio: "inherit" });
    process.exitCode = status ?? 1;
  }
}

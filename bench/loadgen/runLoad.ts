import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { LoadOptions, LoadResult } from "./LoadOptions.ts";

const MAIN = join(import.meta.dirname, "main.ts");

/** Runs the load generator in a process of its own. `url` is the sequencer's, with http. @throws Error when it fails */
export async function runLoad(options: LoadOptions, onStarted: () => void = () => undefined): Promise<LoadResult> {
  const stream = `${options.url.replace("http", "ws")}/v1/stream`;
  const child = spawn(process.execPath, [MAIN, JSON.stringify({ ...options, url: stream })], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    if (output === "") onStarted();
    output += data.toString();
  });
  const [code] = (await once(child, "close")) as [number];
  if (code !== 0) throw new Error(`the load generator ended with code ${code}`);
  return JSON.parse(output.slice(output.indexOf("{"))) as LoadResult;
}

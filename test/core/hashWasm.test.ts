import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { expect } from "chai";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("committed WebAssembly", () => {
  it("modules: are what assembly/ compiles to", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["scripts/build-wasm.ts", "--check"], { cwd: root });
    expect(stdout).to.include("is current");
  });
});

import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { definePlugin } from "hardhat/plugins";
import type { HardhatPlugin } from "hardhat/types/plugins";

/** A relative import or export of a `.js` file: TypeChain writes these beside the `.ts` files that they mean. */
const RELATIVE_JS_IMPORT = /(from\s+["']\.{1,2}\/[^"']*)\.js(["'])/g;

async function rewriteImports(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const path = join(entry.parentPath, entry.name);
    const before = await readFile(path, "utf8");
    const after = before.replaceAll(RELATIVE_JS_IMPORT, "$1.ts$2");
    if (after !== before) await writeFile(path, after);
  }
}

/**
 * Makes the TypeChain bindings importable by Node itself, which strips types but never maps `./Foo.js` to
 * `./Foo.ts`. Runs after TypeChain on every build, so it must come after the toolbox in `plugins`.
 */
export const nativeTypescriptBindings: HardhatPlugin = definePlugin({
  id: "agnt2-native-typescript-bindings",
  hookHandlers: {
    solidity: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            async processArtifactsAfterSuccessfulBuild(context) {
              const directory = join(context.config.paths.root, context.config.typechain.outDir ?? "types");
              if (existsSync(directory)) await rewriteImports(directory);
            },
          }),
      }),
  },
});

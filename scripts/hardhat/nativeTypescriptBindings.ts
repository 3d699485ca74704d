import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

import { definePlugin } from "hardhat/plugins";
import type { HardhatPlugin } from "hardhat/types/plugins";

/** Where TypeChain is to write: a folder of this process, since it writes all its files at every build, also when nothing was compiled. */
export const BINDINGS_DRAFT = `./cache/typechain-${process.pid}`;
/** Where the bindings are imported from. */
const BINDINGS = "typechain-types";

/** A relative import or export of a `.js` file: TypeChain writes these beside the `.ts` files that they mean. */
const RELATIVE_JS_IMPORT = /(from\s+["']\.{1,2}\/[^"']*)\.js(["'])/g;

async function filesIn(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

/** Brings the bindings to what the draft says. Files that say so already stay as they are: others may be importing them. */
async function publish(draft: string, directory: string): Promise<void> {
  const names = await filesIn(draft);
  for (const name of names) {
    const text = (await readFile(join(draft, name), "utf8")).replaceAll(RELATIVE_JS_IMPORT, "$1.ts$2");
    const path = join(directory, name);
    if (existsSync(path) && (await readFile(path, "utf8")) === text) continue;
    await mkdir(dirname(path), { recursive: true });
    await writeFile(join(draft, name), text);
    await rename(join(draft, name), path);
  }
  for (const name of await filesIn(directory)) if (!names.includes(name)) await rm(join(directory, name), { force: true });
}

/**
 * Makes the TypeChain bindings importable by Node itself, which strips types but never maps `./Foo.js` to
 * `./Foo.ts`. Runs after TypeChain on every build, so it must come after the toolbox in `plugins`.
 */
export const nativeTypescriptBindings: HardhatPlugin = definePlugin({
  id: "agnt2-native-typescript-bindings",
  hookHandlers: {
    clean: () => Promise.resolve({ default: () => Promise.resolve({ onClean: (context) => rm(join(context.config.paths.root, BINDINGS), { recursive: true, force: true }) }) }),
    solidity: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            async processArtifactsAfterSuccessfulBuild(context) {
              const draft = join(context.config.paths.root, BINDINGS_DRAFT);
              // There is none with --no-typechain.
              if (existsSync(draft)) await publish(draft, join(context.config.paths.root, BINDINGS));
              await rm(draft, { recursive: true, force: true });
            },
          }),
      }),
  },
});

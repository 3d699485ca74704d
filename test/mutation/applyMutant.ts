import { registerHooks } from "node:module";

import { mutants } from "./mutants.ts";

/** Preloaded before a replay: from now on the file of mutant `AGNT2_MUTANT` loads altered. The sources stay as they are. */
const chosen = mutants[Number(process.env["AGNT2_MUTANT"])];
if (chosen !== undefined) {
  const target = new URL(`../../core/${chosen.file}`, import.meta.url).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== target || loaded.source === undefined || loaded.source === null) return loaded;
      const source = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
      const parts = source.split(chosen.find);
      if (parts.length !== 2) throw new Error(`Mutant of ${chosen.rule}: ${chosen.file} has ${parts.length - 1} places with: ${chosen.find}`);
      return { ...loaded, source: parts.join(chosen.replace) };
    },
  });
}

import { channelMutants } from "./channelMutants.ts";
import { machineMutants } from "./machineMutants.ts";
import type { Mutant } from "./Mutant.ts";
import { recordMutants } from "./recordMutants.ts";

/** Every altered rule. `npm run mutate` fails when a rule of the rulebook has none. */
export const mutants: readonly Mutant[] = [...machineMutants, ...recordMutants, ...channelMutants];

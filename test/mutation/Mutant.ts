/** One altered rule: in `file` (below `core/`), the one place with `find` becomes `replace`. */
export interface Mutant {
  readonly rule: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Mutants of one file: rule, find, replace. */
export function inFile(file: string, mutants: readonly (readonly [rule: string, find: string, replace: string])[]): Mutant[] {
  return mutants.map(([rule, find, replace]) => ({ rule, file, find, replace }));
}

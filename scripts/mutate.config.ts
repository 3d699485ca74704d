/** The environment of a process that loads mutant `index` in place of the original. */
export function mutantEnvironment(index: number): NodeJS.ProcessEnv {
  return { ...process.env, AGNT2_MUTANT: String(index) };
}

/** What the demo reads from the environment. */
export function readEnvironment(): { l1Url: string | undefined; inherited: Record<string, string> } {
  const inherited = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
  const l1Url = inherited["L1_URL"];
  return { l1Url: l1Url === undefined || l1Url === "" ? undefined : l1Url, inherited };
}

/** Calls that are under way at once: endpoints limit a client. */
const AT_ONCE = 64;

/** Answers in the order of the items, a bounded number of them asked for at once. */
export async function inGroups<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(read))));
  return results;
}

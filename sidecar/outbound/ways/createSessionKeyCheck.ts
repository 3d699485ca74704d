import type { Agnt2Client } from "../../../sdk/index.ts";

const KEEP_MS = 60_000;
const MOST = 1_024;

/** Whether a key is the session key of an agent of Layer Core; undefined: it has no account there. For `createExactBuyerWay`. */
export function createSessionKeyCheck(client: Pick<Agnt2Client, "account">): (payee: string, signer: string) => Promise<boolean | undefined> {
  const known = new Map<string, { readonly key: Promise<string | undefined>; readonly atMs: number }>();

  async function read(payee: string): Promise<string | undefined> {
    const account = await client.account(payee);
    return account === undefined ? undefined : (account.session?.key.toLowerCase() ?? "none");
  }

  return async (payee, signer) => {
    let entry = known.get(payee);
    if (entry === undefined || performance.now() - entry.atMs > KEEP_MS) {
      entry = { key: read(payee), atMs: performance.now() };
      if (known.size >= MOST) known.clear();
      known.set(payee, entry);
      entry.key.catch(() => known.delete(payee));
    }
    const key = await entry.key;
    // It may have been changed a moment ago: what is not the key that was read is nobody's proof, and no fault.
    return key === signer ? true : undefined;
  };
}

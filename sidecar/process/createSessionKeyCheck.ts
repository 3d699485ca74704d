import { toError } from "../../runtime/errors/CodedError.ts";
import type { Agnt2Client } from "../../sdk/index.ts";

const KEEP_MS = 60_000;
const MOST = 4_096;

/** Whether a key signs for an agent: the chain knows it as the session key of the agent's account. What was found is kept for a minute. */
export function createSessionKeyCheck(client: Pick<Agnt2Client, "account">, onTrouble: (error: Error) => void, now: () => number = Date.now): (agent: string, signer: string) => Promise<boolean> {
  const known = new Map<string, { readonly signer: string; readonly untilMs: number }>();
  return async (agent, signer) => {
    const before = known.get(agent);
    if (before !== undefined && before.untilMs > now() && before.signer === signer.toLowerCase()) return true;
    try {
      const key = (await client.account(agent))?.session?.key.toLowerCase();
      if (key === undefined) return false;
      if (known.size >= MOST) known.clear();
      known.set(agent, { signer: key, untilMs: now() + KEEP_MS });
      return key === signer.toLowerCase();
    } catch (error) {
      onTrouble(toError(error));
      return false;
    }
  };
}

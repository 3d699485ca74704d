/** A first start in a process of its own, which stops at a point that it is told, for good: `node sidecarIdentity.ts POINT FLAGS…`. */
import { loadSidecarConfig } from "../../sidecar/config.ts";
import { Identity } from "../../sidecar/identity/Identity.ts";
import type { IdentityFacts, SelfDescription } from "../../sidecar/identity/Identity.ts";
import { IdentityJournal } from "../../sidecar/identity/IdentityJournal.ts";
import { openChain } from "../../sidecar/identity/openChain.ts";
import { silentLogger } from "../../runtime/logger/createLogger.ts";
import { contentHash } from "../../sdk/operations.ts";
import { toHex } from "../../sdk/index.ts";

const hash = (text: string): string => toHex(contentHash(text));

/** What a sidecar would say of itself, without what it sells. */
export const plainDescription: SelfDescription = {
  uri: ({ agentId, accountIndex }: IdentityFacts) => `data:application/json,{"agent":"${agentId}","account":${accountIndex}}`,
  advertisement: () => ({ capabilities: "all", prices: "one", capabilitiesHash: hash("all"), pricesHash: hash("one") }),
};

const [point, ...flags] = process.argv.slice(2);
if (import.meta.main) {
  const { settings } = loadSidecarConfig(flags);
  const chain = await openChain(settings);
  const { inbox } = chain.chain.contracts;
  const journal = await IdentityJournal.open(settings.dataDir, { chainId: chain.economy.chainId, inbox, address: chain.key.address });
  const identity = new Identity({
    settings, ...chain, journal, describe: plainDescription, logger: silentLogger,
    onProgress: (progress) => process.stderr.write(`${JSON.stringify(progress, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value instanceof Error ? value.message : value))}\n`),
    onPoint: async (reached) => {
      if (reached !== point) return;
      process.stdout.write(`at ${reached}\n`);
      await new Promise(() => setInterval(() => undefined, 1_000));
    },
  });
  await identity.start();
  const { address, agentId, accountIndex } = identity.facts;
  process.stdout.write(`${JSON.stringify({ address, agentId: String(agentId), accountIndex, session: await identity.session.privateKey() })}\n`);
  await identity.stop();
  await chain.close();
}

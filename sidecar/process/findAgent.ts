import { VoidSigner, ZeroAddress } from "ethers";

import { toError } from "../../runtime/errors/CodedError.ts";
import { LOCAL_POLICY, PUBLIC_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { AgentDesk } from "../../sdk/index.ts";
import type { SealedPartner } from "../../sdk/index.ts";
import { directoryOf, discoverAgent, registryOf } from "../../sdk/node/index.ts";
import type { RemoteAgent } from "../../sdk/node/index.ts";
import type { SidecarSettings } from "../config.ts";
import type { OpenChain } from "../identity/openChain.ts";

/** How long a card's seal key is used before it is looked for again: far less than the time in which two overlap. */
const KEEP_MS = 600_000;

/** Where an agent is, and what bodies for it are sealed to. */
export interface FoundAgent {
  readonly url: string;
  readonly address: string;
  readonly partner: () => Promise<SealedPartner>;
}

/** Where an agent of the registry is: registry, file, domain, card and directory must agree. Undefined, and told, when it cannot be found. */
export async function findAgent(agentId: bigint, chain: OpenChain, { localTargets }: SidecarSettings, logger: Logger): Promise<FoundAgent | undefined> {
  const discover = async (): Promise<RemoteAgent> => {
    const desk = new AgentDesk(chain.economy, new VoidSigner(ZeroAddress, chain.provider));
    return discoverAgent(agentId, { registry: registryOf(desk), directory: await directoryOf(chain.client), policy: localTargets ? LOCAL_POLICY : PUBLIC_POLICY });
  };
  try {
    let found = await discover();
    let foundAt = performance.now();
    const { baseUrl: url, address } = found;
    const partner = async (): Promise<SealedPartner> => {
      if (performance.now() - foundAt > KEEP_MS) {
        found = await discover();
        foundAt = performance.now();
      }
      // Sealed to whom the settings name, wherever the card leads by now.
      return { address, encryptionKey: found.address === address ? found.encryptionKey : undefined };
    };
    return { url, address, partner };
  } catch (error) {
    logger.warn({ err: toError(error), agentId }, "An agent that is named in the settings was not found; nothing is bought from it.");
    return undefined;
  }
}

import { VoidSigner, ZeroAddress } from "ethers";

import { toError } from "../../runtime/errors/CodedError.ts";
import { LOCAL_POLICY, PUBLIC_POLICY } from "../../runtime/fetch/FetchPolicy.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import { AgentDesk } from "../../sdk/index.ts";
import { directoryOf, discoverAgent, registryOf } from "../../sdk/node/index.ts";
import type { SidecarSettings } from "../config.ts";
import type { OpenChain } from "../identity/openChain.ts";

/** Where an agent of the registry is: registry, file, domain, card and directory must agree. Undefined, and told, when it cannot be found. */
export async function findAgent(agentId: bigint, chain: OpenChain, { localTargets }: SidecarSettings, logger: Logger): Promise<{ readonly url: string; readonly address: string } | undefined> {
  try {
    const desk = new AgentDesk(chain.economy, new VoidSigner(ZeroAddress, chain.provider));
    const found = await discoverAgent(agentId, { registry: registryOf(desk), directory: await directoryOf(chain.client), policy: localTargets ? LOCAL_POLICY : PUBLIC_POLICY });
    return { url: found.baseUrl, address: found.address };
  } catch (error) {
    logger.warn({ err: toError(error), agentId }, "An agent that is named in the settings was not found; nothing is bought from it.");
    return undefined;
  }
}

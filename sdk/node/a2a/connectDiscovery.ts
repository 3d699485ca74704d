import { chainRef } from "../../../chain/agents/agnt2Service.ts";
import { registryId } from "../../../chain/agents/registrationFile.ts";
import type { AgentDesk } from "../../agents/AgentDesk.ts";
import type { Agnt2Client } from "../../Agnt2Client.ts";
import { contractOf } from "../../economy/readEconomy.ts";
import type { Json } from "../../HttpService.ts";
import { textField } from "../../state.ts";
import type { AgentRegistry, ChainDirectory } from "./DiscoveryOptions.ts";

const NO_HASH = `0x${"0".repeat(64)}`;

/** The registry that the economy of an L1 has. */
export function registryOf(desk: AgentDesk): AgentRegistry {
  return { id: registryId(desk.economy.chainId, contractOf(desk.economy, "identityRegistry")), show: (agentId) => desk.show(agentId) };
}

function hashField(json: Json, name: string): string | undefined {
  const value = json[name];
  return typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value) && value !== NO_HASH ? value.toLowerCase() : undefined;
}

/** The directory of the chain that a client is connected to, as its sequencer has it now. */
export async function directoryOf(client: Agnt2Client): Promise<ChainDirectory> {
  const { domain, contracts } = await client.config();
  return {
    chain: chainRef(domain.chainId, contracts.settlement),
    async entry(account) {
      const json = await client.sequencer.find(`/v1/agents/${account}`);
      if (json === undefined) return undefined;
      const linked = json["erc8004Id"];
      return {
        owner: textField(json, "owner").toLowerCase(),
        linkedAgentId: typeof linked === "number" ? BigInt(linked) : undefined,
        capabilitiesHash: hashField(json, "capabilitiesHash"),
        pricesHash: hashField(json, "pricesHash"),
      };
    },
  };
}

import type { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { parseAccount, textField } from "../../sdk/state.ts";
import type { AgentAccount } from "../../sdk/state.ts";

/** The own account as the sequencer has it now. */
export interface OwnAccount extends AgentAccount {
  /** ERC-8004 id that L1 has tied to it. */
  readonly linkedAgentId: bigint | undefined;
  readonly capabilitiesHash: string;
  readonly pricesHash: string;
}

/** Undefined before the first deposit is credited. @throws SdkError */
export async function readOwnAccount(client: Agnt2Client, address: string): Promise<OwnAccount | undefined> {
  const json = await client.sequencer.find(`/v1/agents/${address}`);
  if (json === undefined) return undefined;
  const linked = json["erc8004Id"];
  return {
    ...parseAccount(json),
    linkedAgentId: typeof linked === "number" ? BigInt(linked) : undefined,
    capabilitiesHash: textField(json, "capabilitiesHash").toLowerCase(),
    pricesHash: textField(json, "pricesHash").toLowerCase(),
  };
}

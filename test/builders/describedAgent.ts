import { Wallet } from "ethers";

import { parseAgentDescription } from "../../sdk/index.ts";
import type { AgentDescription, AgentDescriptionInput } from "../../sdk/index.ts";

/** The first key of the local chains' well-known phrase. */
export const AGENT_WALLET = new Wallet("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
const ETH = `0x${"00".repeat(20)}`;
const TOKEN = "0x5FbDB2315678afecb367f032d93F642f64180aa3";

/** An agent with a skill of each kind. */
export function describedAgent(change: Partial<AgentDescriptionInput> = {}): AgentDescription {
  return parseAgentDescription({
    name: "Ada",
    description: "Translates and counts",
    version: "1.2.0",
    baseUrl: "https://ada.example",
    provider: { organization: "Example", url: "https://example.org" },
    address: AGENT_WALLET.address,
    chainId: 31337,
    registration: { identityRegistry: "0x00000000000000000000000000000000000000Aa", agentId: 7n },
    layer2: { settlement: "0x00000000000000000000000000000000000000Bb", account: 12, api: "https://api.example", sequencer: "https://sequencer.example" },
    ways: [
      { scheme: "exact", network: "eip155:31337", asset: TOKEN, payTo: AGENT_WALLET.address, extra: { name: "Test", version: "1" } },
      { scheme: "agnt2-call", network: "eip155:31337", asset: ETH, payTo: AGENT_WALLET.address },
    ],
    skills: [
      { id: "translate", capability: 1, name: "Translate", description: "Translates a text", path: "/translate", units: 400, prices: [{ scheme: "exact", asset: TOKEN, amount: "10000" }, { scheme: "agnt2-call", asset: ETH, amount: "400000000000000" }] },
      { id: "count", capability: 2, name: "Count", description: "Counts up", path: "/count", isStream: true, units: 100, prices: [{ scheme: "agnt2-call", asset: ETH, amount: "100000000000000" }] },
    ],
    ...change,
  });
}

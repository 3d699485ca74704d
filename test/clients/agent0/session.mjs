/**
 * One session of agent0-sdk against the registries that the environment names; prints what it saw as one line of JSON. Nothing of this
 * project is imported: what works here works for anybody who has that client. It has no subgraph, so only its on-chain paths run.
 */
import { IDENTITY_REGISTRY_ABI, SDK } from "agent0-sdk";

const { RPC_URL, IDENTITY, REPUTATION, VALIDATION, OWNER_KEY, CLIENT_KEY, WALLET_KEY, BUYER_ADDRESS } = process.env;
const chainId = 31337;
const registryOverrides = { [chainId]: { IDENTITY, REPUTATION, VALIDATION } };
const connect = (privateKey) => new SDK({ chainId, rpcUrl: RPC_URL, registryOverrides, ...(privateKey === undefined ? {} : { privateKey }) });
const mined = async (handle) => await (await handle).waitMined({ timeoutMs: 60_000 });
const refusal = async (action) => {
  try {
    await action();
    return undefined;
  } catch (error) {
    return String(error?.message ?? error);
  }
};

const [owner, client, reader, wallet] = [connect(OWNER_KEY), connect(CLIENT_KEY), connect(), connect(WALLET_KEY)];
const seen = {};

// Register, with a card on chain and metadata; agent id 0.
const agent = owner.createAgent("Ada", "Answers questions about engines", "https://agent.example/ada.png");
agent.setMetadata({ model: "analytical", price: 7 });
await agent.setMCP("https://agent.example/mcp", undefined, false);
const registered = await mined(agent.registerOnChain());
seen.agentId = registered.result.agentId;

// Read it as somebody who has no key.
const loaded = await reader.loadAgent(seen.agentId);
seen.loaded = { name: loaded.name, description: loaded.description, mcp: loaded.mcpEndpoint, owner: await reader.getAgentOwner(seen.agentId), wallet: await loaded.getWallet() };
seen.isOwner = [await reader.isAgentOwner(seen.agentId, await owner.chainClient.getAddress()), await reader.isAgentOwner(seen.agentId, BUYER_ADDRESS)];
const metadata = (key) => reader.chainClient.readContract({ address: IDENTITY, abi: IDENTITY_REGISTRY_ABI, functionName: "getMetadata", args: [0n, key] });
seen.metadata = [await metadata("model"), await metadata("price")];

// After the registration the client changes metadata by its low-level part only (its IPFS path does it by itself).
const hash = await owner.chainClient.writeContract({ address: IDENTITY, abi: IDENTITY_REGISTRY_ABI, functionName: "setMetadata", args: [0n, "model", "0x0102"] });
await owner.chainClient.waitForTransaction({ hash, timeoutMs: 60_000 });
seen.changedMetadata = await metadata("model");
seen.reservedKey = await refusal(() => owner.chainClient.writeContract({ address: IDENTITY, abi: IDENTITY_REGISTRY_ABI, functionName: "setMetadata", args: [0n, "agentWallet", "0x01"] }));

// The card again, changed.
agent.updateInfo("Ada II");
await mined(agent.registerOnChain());
seen.renamed = (await reader.loadAgent(seen.agentId)).name;

// The wallet signs EIP-712 data by the domain that the registry tells.
const walletAddress = await wallet.chainClient.getAddress();
await mined(agent.setWallet(walletAddress, { newWalletPrivateKey: WALLET_KEY }));
seen.wallet = await (await reader.loadAgent(seen.agentId)).getWallet();
seen.foreignWallet = await refusal(() => agent.setWallet(BUYER_ADDRESS, { signature: `0x${"11".repeat(64)}1b` }));

// Rate, twice; the client sends 300,000 gas with each.
const first = await mined(client.giveFeedback(seen.agentId, 87.5, "quality", "latency", "https://agent.example/mcp"));
await mined(client.giveFeedback(seen.agentId, 50, "quality"));
const reviewer = await client.chainClient.getAddress();
// The client's getFeedback knows the registry only after another call did: the summaries come first.
seen.summaries = [await reader.getReputationSummary(seen.agentId), await reader.getReputationSummary(seen.agentId, "quality", "latency")];
const { createdAt: _, ...feedback } = await reader.getFeedback(seen.agentId, reviewer, 1);
seen.feedback = feedback;
seen.firstStatus = first.receipt.status;
seen.selfRating = await refusal(() => mined(owner.giveFeedback(seen.agentId, 100)));

// Respond, revoke.
await mined(owner.appendResponse(seen.agentId, reviewer, 1, { uri: "ipfs://response", hash: `0x${"22".repeat(32)}` }));
await mined(client.revokeFeedback(seen.agentId, 1));
seen.revoked = (await reader.getFeedback(seen.agentId, reviewer, 1)).isRevoked;
seen.summaryAfter = await reader.getReputationSummary(seen.agentId);
seen.revokedTwice = await refusal(() => client.revokeFeedback(seen.agentId, 1));

// Give the wallet up, then the agent.
await mined(agent.unsetWallet());
seen.unsetWallet = (await (await reader.loadAgent(seen.agentId)).getWallet()) ?? null;
await mined(owner.transferAgent(seen.agentId, BUYER_ADDRESS));
seen.newOwner = await reader.getAgentOwner(seen.agentId);

seen.unknownAgent = await refusal(() => reader.loadAgent(`${chainId}:1`));

// What the client leaves to a subgraph.
seen.searchFeedback = await reader.searchFeedback({ agentId: seen.agentId });
seen.searchAgents = await refusal(async () => {
  const found = await reader.searchAgents({});
  if (found.length === 0) throw new Error("nothing found");
});

console.log(JSON.stringify(seen, (_key, value) => (typeof value === "bigint" ? value.toString() : value)));

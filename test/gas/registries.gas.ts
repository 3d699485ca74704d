import { ZeroHash, hexlify, id, toUtf8Bytes } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import { createRegistryScene, signWalletConsent } from "../builders/registryScene.ts";

/** What agents write: addresses of a content store, short tags, an endpoint. */
const URI = "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
const ENDPOINT = "https://agent.example/mcp";

const gasOf = async (sent: Promise<ContractTransactionResponse>): Promise<number> => Number((await (await sent).wait())!.gasUsed);

/** Gas of the ERC-8004 registries, through their proxies. Input is of the size that agents of today write. */
export async function measureGas(): Promise<Record<string, number>> {
  const scene = await createRegistryScene();
  const { identity, reputation, validation } = scene;
  const [, owner, wallet, client, validator] = scene.signers;
  try {
    const agents = identity.connect(owner!);
    const figures: Record<string, number> = {};
    // A registry's very first agent writes slots that no later one does.
    await agents["register()"]();
    figures["IdentityRegistry.register"] = await gasOf(agents["register()"]());
    figures["IdentityRegistry.register (URI)"] = await gasOf(agents["register(string)"](URI));
    const metadata = [{ metadataKey: "name", metadataValue: hexlify(toUtf8Bytes("Ada")) }, { metadataKey: "x402", metadataValue: "0x01" }];
    figures["IdentityRegistry.register (URI, 2 values)"] = await gasOf(agents["register(string,(string,bytes)[])"](URI, metadata));
    figures["IdentityRegistry.setAgentURI"] = await gasOf(agents.setAgentURI(1, URI));
    figures["IdentityRegistry.setMetadata (new)"] = await gasOf(agents.setMetadata(1, "name", hexlify(toUtf8Bytes("Ada"))));
    const { chainId } = await scene.ethers.provider.getNetwork();
    const deadline = (await scene.now()) + 100;
    const consent = { chainId, registry: await identity.getAddress(), agentId: 1n, newWallet: wallet!.address, owner: owner!.address, deadline };
    figures["IdentityRegistry.setAgentWallet"] = await gasOf(agents.setAgentWallet(1, wallet!.address, deadline, await signWalletConsent(wallet!, consent)));
    figures["IdentityRegistry.unsetAgentWallet"] = await gasOf(agents.unsetAgentWallet(1));
    figures["IdentityRegistry.transferFrom"] = await gasOf(agents.transferFrom(owner!.address, wallet!.address, 2));

    const say = (agentId: number, isShort = false) =>
      gasOf(reputation.connect(client!).giveFeedback(agentId, 87, 0, "quality", isShort ? "" : "latency", isShort ? "" : ENDPOINT, isShort ? "" : URI, isShort ? ZeroHash : id("file")));
    figures["ReputationRegistry.giveFeedback (an agent's first)"] = await say(1);
    figures["ReputationRegistry.giveFeedback (a client's next)"] = await say(1);
    figures["ReputationRegistry.giveFeedback (value and tag only)"] = await say(1, true);
    figures["ReputationRegistry.revokeFeedback"] = await gasOf(reputation.connect(client!).revokeFeedback(1, 1));
    figures["ReputationRegistry.appendResponse (first)"] = await gasOf(reputation.connect(owner!).appendResponse(1, client!.address, 1, URI, id("file")));

    figures["ValidationRegistry.validationRequest (first)"] = await gasOf(validation.connect(owner!).validationRequest(validator!.address, 1, URI, id("first")));
    figures["ValidationRegistry.validationRequest"] = await gasOf(validation.connect(owner!).validationRequest(validator!.address, 1, URI, id("second")));
    const answer = (response: number) => gasOf(validation.connect(validator!).validationResponse(id("second"), response, URI, id("file"), "hard"));
    figures["ValidationRegistry.validationResponse (first)"] = await answer(100);
    figures["ValidationRegistry.validationResponse (again)"] = await answer(50);
    return figures;
  } finally {
    await scene.close();
  }
}

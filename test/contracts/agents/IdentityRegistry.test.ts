import { expect } from "chai";
import { ZeroAddress, encodeBytes32String, hexlify, toUtf8Bytes } from "ethers";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";

import type { AgentHolder, IdentityRegistry } from "../../../typechain-types/index.ts";
import { createRegistryScene } from "../../builders/registryScene.ts";
import type { RegistryScene } from "../../builders/registryScene.ts";

const URI = "ipfs://bafkreiagent";
const text = (value: string): string => hexlify(toUtf8Bytes(value));
const register = (registry: IdentityRegistry, uri = URI): Promise<ContractTransactionResponse> => registry["register(string)"](uri);

describe("IdentityRegistry", () => {
  let scene: RegistryScene;
  let identity: IdentityRegistry;
  before(async () => {
    scene = await createRegistryScene();
    ({ identity } = scene);
  });
  afterEach(() => scene.restore());
  after(() => scene.close());

  const as = (index: number): IdentityRegistry => identity.connect(scene.signers[index]!);
  const address = (index: number): string => scene.signers[index]!.address;
  const eventsOf = (receipt: ContractTransactionReceipt | null): string[] => (receipt?.logs ?? []).map((log) => identity.interface.parseLog(log)?.name ?? "?");
  /** Signer 1 owns agent 0, signer 2 is its operator, signer 3 is approved for it. */
  const withActors = async (): Promise<void> => {
    await register(as(1));
    await as(1).setApprovalForAll(address(2), true);
    await as(1).approve(address(3), 0);
  };

  describe("register", () => {
    it("agent ids: count from 0, whoever registers", async () => {
      expect(await identity["register()"].staticCall()).to.equal(0n);
      await as(1)["register()"]();
      expect(await identity["register(string)"].staticCall(URI)).to.equal(1n);
      await register(as(2));
      await as(3)["register(string,(string,bytes)[])"]("", []);
      for (const index of [1, 2, 3]) expect(await identity.ownerOf(index - 1)).to.equal(address(index));
    });

    it("without a URI: says so in its events, in the order that clients know", async () => {
      const sent = await as(1)["register()"]();
      await expect(sent).to.emit(identity, "Registered").withArgs(0, "", address(1));
      await expect(sent).to.emit(identity, "MetadataSet").withArgs(0, "agentWallet", "agentWallet", address(1).toLowerCase());
      expect(eventsOf(await sent.wait())).to.deep.equal(["Transfer", "Registered", "MetadataSet"]);
      expect(await identity.tokenURI(0)).to.equal("");
    });

    it("with URI and metadata: stores and tells each value, the last one of a key stays", async () => {
      const sent = await as(1)["register(string,(string,bytes)[])"](URI, [
        { metadataKey: "name", metadataValue: text("Ada") },
        { metadataKey: "name", metadataValue: text("Bob") },
        { metadataKey: "", metadataValue: "0x01" },
      ]);
      await expect(sent).to.emit(identity, "Registered").withArgs(0, URI, address(1));
      await expect(sent).to.emit(identity, "MetadataSet").withArgs(0, "name", "name", text("Bob"));
      expect(eventsOf(await sent.wait())).to.deep.equal(["Transfer", "MetadataUpdate", "Registered", "MetadataSet", "MetadataSet", "MetadataSet", "MetadataSet"]);
      expect(await identity.tokenURI(0)).to.equal(URI);
      expect(await identity.getMetadata(0, "name")).to.equal(text("Bob"));
      expect(await identity.getMetadata(0, "")).to.equal("0x01");
    });

    it("wallet: is the registering account, also as metadata of 20 bytes", async () => {
      await register(as(1));
      expect(await identity.getAgentWallet(0)).to.equal(address(1));
      expect(await identity.getMetadata(0, "agentWallet")).to.equal(address(1).toLowerCase());
    });

    it("reserved key: is refused at any place of the list, one that only looks like it is not", async () => {
      const entry = (metadataKey: string) => ({ metadataKey, metadataValue: address(9) });
      await expect(as(1)["register(string,(string,bytes)[])"](URI, [entry("name"), entry("agentWallet")])).to.be.revertedWith("reserved key");
      await as(1)["register(string,(string,bytes)[])"](URI, [entry("AgentWallet"), entry("agentWallet ")]);
      expect(await identity.getAgentWallet(0)).to.equal(address(1));
    });

    it("contract: has to take the token, and is asked when everything is written", async () => {
      const holder = (await scene.ethers.deployContract("AgentHolder")) as unknown as AgentHolder;
      await holder.register(identity, URI, [{ metadataKey: "name", metadataValue: text("Ada") }]);
      expect([await holder.walletSeen(), await holder.nameSeen()]).to.deep.equal([await holder.getAddress(), "Ada"]);
      await holder.setRefusing(true);
      await expect(holder.register(identity, URI, [])).to.be.revertedWithCustomError(holder, "NotTaken").withArgs(1);
      const wallet = await scene.ethers.deployContract("SmartWallet");
      const data = identity.interface.encodeFunctionData("register()");
      await expect(wallet.getFunction("execute")(identity, 0, data)).to.be.revertedWithCustomError(identity, "ERC721InvalidReceiver").withArgs(await wallet.getAddress());
    });

    it("contract that passes the agent on when it is asked: leaves its wallet to nobody, and nothing is written afterwards", async () => {
      const holder = (await scene.ethers.deployContract("AgentHolder")) as unknown as AgentHolder;
      await holder.setHeir(address(5));
      const receipt = await (await holder.register(identity, URI, [{ metadataKey: "name", metadataValue: text("Ada") }])).wait();
      expect(await identity.ownerOf(0)).to.equal(address(5));
      expect(await identity.getAgentWallet(0)).to.equal(ZeroAddress);
      const last = (receipt?.logs ?? []).map((log) => identity.interface.parseLog(log)!).filter(({ name }) => name === "MetadataSet").at(-1);
      expect(last?.args.toArray().slice(2)).to.deep.equal(["agentWallet", "0x"]);
    });
  });

  describe("who may act", () => {
    it("owner, operator and approved account: may change URI, metadata and wallet", async () => {
      await withActors();
      for (const index of [1, 2, 3]) {
        expect(await identity.isAuthorizedOrOwner(address(index), 0)).to.equal(true);
        await expect(as(index).setAgentURI(0, `ipfs://${index}`)).to.emit(identity, "URIUpdated").withArgs(0, `ipfs://${index}`, address(index));
        await expect(as(index).setMetadata(0, "by", text(String(index)))).to.emit(identity, "MetadataSet").withArgs(0, "by", "by", text(String(index)));
        await expect(as(index).unsetAgentWallet(0)).to.emit(identity, "MetadataSet").withArgs(0, "agentWallet", "agentWallet", "0x");
      }
      expect(await identity.tokenURI(0)).to.equal("ipfs://3");
    });

    it("stranger, agent's wallet and the owner of the code: may not", async () => {
      await withActors();
      expect(await identity.isAuthorizedOrOwner(address(4), 0)).to.equal(false);
      for (const index of [0, 4]) {
        await expect(as(index).setAgentURI(0, "")).to.be.revertedWith("Not authorized");
        await expect(as(index).setMetadata(0, "name", "0x")).to.be.revertedWith("Not authorized");
        await expect(as(index).setMetadata(0, "agentWallet", "0x")).to.be.revertedWith("Not authorized");
        await expect(as(index).unsetAgentWallet(0)).to.be.revertedWith("Not authorized");
        await expect(as(index).setAgentWallet(0, address(index), 2 ** 40, "0x")).to.be.revertedWith("Not authorized");
      }
    });

    it("operator of one owner: has no say after a transfer, nor the approved account", async () => {
      await withActors();
      await as(1).transferFrom(address(1), address(4), 0);
      for (const index of [1, 2, 3]) {
        expect(await identity.isAuthorizedOrOwner(address(index), 0)).to.equal(false);
        await expect(as(index).setMetadata(0, "name", "0x")).to.be.revertedWith("Not authorized");
      }
    });

    it("setMetadata: refuses the wallet's key, also from the owner", async () => {
      await register(as(1));
      await expect(as(1).setMetadata(0, "agentWallet", address(1))).to.be.revertedWith("reserved key");
    });

    it("agent that does not exist: reverts by name where it is changed or asked for, and is empty where it is read", async () => {
      await register(as(1));
      const refused = async (sent: Promise<unknown>): Promise<void> => {
        await expect(sent).to.be.revertedWithCustomError(identity, "ERC721NonexistentToken").withArgs(1);
      };
      await refused(as(1).setAgentURI(1, ""));
      await refused(as(1).setMetadata(1, "name", "0x"));
      await refused(as(1).setAgentWallet(1, address(1), 2 ** 40, "0x"));
      await refused(as(1).unsetAgentWallet(1));
      await refused(identity.isAuthorizedOrOwner(address(1), 1));
      await refused(identity.tokenURI(1));
      await refused(identity.ownerOf(1));
      expect(await identity.getMetadata(1, "name")).to.equal("0x");
      expect(await identity.getMetadata(1, "agentWallet")).to.equal("0x");
      expect(await identity.getAgentWallet(1)).to.equal(ZeroAddress);
    });
  });

  describe("transfer", () => {
    it("wallet: is cleared, told, and stays cleared when the agent comes back", async () => {
      await register(as(1));
      await expect(as(1).transferFrom(address(1), address(2), 0)).to.emit(identity, "MetadataSet").withArgs(0, "agentWallet", "agentWallet", "0x");
      expect(await identity.getAgentWallet(0)).to.equal(ZeroAddress);
      expect(await identity.getMetadata(0, "agentWallet")).to.equal("0x");
      await as(2).transferFrom(address(2), address(1), 0);
      expect(await identity.getAgentWallet(0)).to.equal(ZeroAddress);
    });

    it("wallet: is cleared by a transfer to oneself and by safeTransferFrom", async () => {
      await register(as(1));
      await as(1).transferFrom(address(1), address(1), 0);
      expect(await identity.getAgentWallet(0)).to.equal(ZeroAddress);
      await register(as(1));
      await as(1)["safeTransferFrom(address,address,uint256)"](address(1), address(2), 1);
      expect(await identity.getAgentWallet(1)).to.equal(ZeroAddress);
    });

    it("URI and metadata: go with the agent", async () => {
      await as(1)["register(string,(string,bytes)[])"](URI, [{ metadataKey: "name", metadataValue: text("Ada") }]);
      await as(1).transferFrom(address(1), address(2), 0);
      expect([await identity.tokenURI(0), await identity.getMetadata(0, "name")]).to.deep.equal([URI, text("Ada")]);
    });

    it("stranger: cannot take an agent, and its wallet stays", async () => {
      await register(as(1));
      await expect(as(4).transferFrom(address(1), address(4), 0)).to.be.revertedWithCustomError(identity, "ERC721InsufficientApproval").withArgs(address(4), 0);
      expect(await identity.getAgentWallet(0)).to.equal(address(1));
    });
  });

  it("token: has the names and interfaces that clients look for", async () => {
    expect([await identity.name(), await identity.symbol(), await identity.getVersion()]).to.deep.equal(["AgentIdentity", "AGENT", "2.0.0"]);
    for (const [interfaceId, isThere] of [["0x01ffc9a7", true], ["0x80ac58cd", true], ["0x5b5e139f", true], ["0x49064906", true], ["0x780e9d63", false]] as const) {
      expect(await identity.supportsInterface(interfaceId), interfaceId).to.equal(isThere);
    }
    const domain = await identity.eip712Domain();
    const { chainId } = await scene.ethers.provider.getNetwork();
    expect([...domain].slice(1, 6)).to.deep.equal(["ERC8004IdentityRegistry", "1", chainId, await identity.getAddress(), encodeBytes32String("")]);
  });
});

import { expect } from "chai";
import { AbiCoder, ZeroAddress, ZeroHash, hexlify, id, keccak256, toBeHex, toUtf8Bytes } from "ethers";
import hre from "hardhat";

import type { IdentityRegistry } from "../../../typechain-types/index.ts";
import { createRegistryScene } from "../../builders/registryScene.ts";
import type { RegistryScene } from "../../builders/registryScene.ts";

const IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
/** EIP-170. */
const MAX_CODE_BYTES = 24_576;
const CONTRACTS = ["IdentityRegistry", "ReputationRegistry", "ValidationRegistry"] as const;
const STRANGER = 4;

/** ERC-7201. */
function namespaceSlot(namespace: string): bigint {
  return BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(["uint256"], [BigInt(id(namespace)) - 1n]))) & ~0xffn;
}

describe("registries' code", () => {
  let scene: RegistryScene;
  before(async () => {
    scene = await createRegistryScene();
  });
  afterEach(() => scene.restore());
  after(() => scene.close());

  const all = () => [scene.identity, scene.reputation, scene.validation] as const;
  const implementationOf = async (proxy: string): Promise<string> => toBeHex(BigInt(await scene.ethers.provider.getStorage(proxy, IMPLEMENTATION_SLOT)), 20);
  const deploy = async (contract: string): Promise<string> => (await scene.ethers.deployContract(contract)).getAddress();
  const initialise = async (contract: string, args: readonly unknown[], signature: string) => (await scene.ethers.getContractAt(contract, args[0] as string)).getFunction(signature)(...args.slice(1));

  it("upgrade: is the owner's, and keeps every value", async () => {
    const { identity } = scene;
    await identity.connect(scene.signers[1]!)["register(string,(string,bytes)[])"]("ipfs://a", [{ metadataKey: "name", metadataValue: hexlify(toUtf8Bytes("Ada")) }]);
    const next = await deploy("NextIdentityRegistry");
    for (const index of [1, STRANGER]) {
      await expect(identity.connect(scene.signers[index]!).upgradeToAndCall(next, "0x")).to.be.revertedWithCustomError(identity, "OwnableUnauthorizedAccount").withArgs(scene.signers[index]!.address);
    }
    const proxy = await identity.getAddress();
    const upgraded = await scene.ethers.getContractAt("NextIdentityRegistry", proxy);
    await identity.upgradeToAndCall(next, upgraded.interface.encodeFunctionData("initializeNext", ["onwards"]));

    expect(await implementationOf(proxy)).to.equal(next.toLowerCase());
    expect(await upgraded.getFunction("motto")()).to.equal("onwards");
    await expect(upgraded.getFunction("initializeNext")("again")).to.be.revertedWithCustomError(identity, "InvalidInitialization");
    expect([await identity.ownerOf(0), await identity.tokenURI(0), await identity.getAgentWallet(0), await identity.getMetadata(0, "name"), await identity.owner(), await identity.name()]).to.deep.equal([
      scene.signers[1]!.address, "ipfs://a", scene.signers[1]!.address, hexlify(toUtf8Bytes("Ada")), scene.signers[0]!.address, "AgentIdentity",
    ]);
    expect([...(await identity.eip712Domain())].slice(1, 3)).to.deep.equal(["ERC8004IdentityRegistry", "1"]);
    expect(await identity["register()"].staticCall()).to.equal(1n);
  });

  it("upgrade of each registry: is refused to strangers, and to code that is no UUPS registry", async () => {
    const token = await deploy("TestToken");
    for (const registry of all()) {
      const next = await deploy("IdentityRegistry");
      const stranger = registry.connect(scene.signers[STRANGER]!) as IdentityRegistry;
      await expect(stranger.upgradeToAndCall(next, "0x")).to.be.revertedWithCustomError(registry, "OwnableUnauthorizedAccount");
      await expect(registry.upgradeToAndCall(token, "0x")).to.be.revertedWithCustomError(registry, "ERC1967InvalidImplementation").withArgs(token);
    }
  });

  it("upgrade of reputation and validation: keeps what was said", async () => {
    const { identity, reputation, validation } = scene;
    await identity["register()"]();
    await reputation.connect(scene.signers[5]!).giveFeedback(0, 77, 0, "a", "b", "", "", ZeroHash);
    await validation.validationRequest(scene.signers[5]!.address, 0, "", id("request"));
    await reputation.upgradeToAndCall(await deploy("ReputationRegistry"), "0x");
    await validation.upgradeToAndCall(await deploy("ValidationRegistry"), "0x");
    expect([...(await reputation.readFeedback(0, scene.signers[5]!.address, 1))]).to.deep.equal([77n, 0n, "a", "b", false]);
    expect((await validation.getValidationStatus(id("request"))).agentId).to.equal(0n);
    for (const registry of [reputation, validation]) expect(await registry.getIdentityRegistry()).to.equal(await identity.getAddress());
  });

  it("initialiser: is locked behind the proxy and in the code itself", async () => {
    const [identity, ...others] = await Promise.all(all().map((registry) => registry.getAddress()));
    const owner = scene.signers[STRANGER]!.address;
    for (const address of [identity, await implementationOf(identity!)]) {
      await expect(initialise("IdentityRegistry", [address, owner], "initialize")).to.be.revertedWithCustomError(scene.identity, "InvalidInitialization");
    }
    for (const [index, proxy] of others.entries()) {
      for (const address of [proxy, await implementationOf(proxy)]) {
        await expect(initialise(CONTRACTS[index + 1]!, [address, identity, owner], "initialize")).to.be.revertedWithCustomError(scene.identity, "InvalidInitialization");
      }
    }
  });

  it("code itself: has no owner, cannot be upgraded, and its agents are not the registry's", async () => {
    for (const registry of all()) {
      const code = registry.attach(await implementationOf(await registry.getAddress())) as IdentityRegistry;
      expect(await code.owner()).to.equal(ZeroAddress);
      await expect(code.upgradeToAndCall(await deploy("IdentityRegistry"), "0x")).to.be.revertedWithCustomError(registry, "UUPSUnauthorizedCallContext");
    }
  });

  it("initialisation: needs an owner and a registry of the agents", async () => {
    const owner = scene.signers[0]!.address;
    await expect(scene.deployProxy("IdentityRegistry", "initialize(address)", [ZeroAddress])).to.be.revertedWithCustomError(scene.identity, "OwnableInvalidOwner");
    for (const contract of ["ReputationRegistry", "ValidationRegistry"]) {
      await expect(scene.deployProxy(contract, "initialize(address,address)", [ZeroAddress, owner])).to.be.revertedWith("bad identity");
    }
  });

  it("owner: can hand its power on or give it up for good, and has none over agents", async () => {
    const { identity } = scene;
    await identity.connect(scene.signers[1]!)["register()"]();
    await expect(identity.transferFrom(scene.signers[1]!.address, scene.signers[0]!.address, 0)).to.be.revertedWithCustomError(identity, "ERC721InsufficientApproval");
    await expect(identity.setMetadata(0, "name", "0x")).to.be.revertedWith("Not authorized");
    await identity.transferOwnership(scene.signers[STRANGER]!.address);
    const next = await deploy("NextIdentityRegistry");
    await expect(identity.upgradeToAndCall(next, "0x")).to.be.revertedWithCustomError(identity, "OwnableUnauthorizedAccount");
    await identity.connect(scene.signers[STRANGER]!).renounceOwnership();
    await expect(identity.connect(scene.signers[STRANGER]!).upgradeToAndCall(next, "0x")).to.be.revertedWithCustomError(identity, "OwnableUnauthorizedAccount");
  });

  it("state: lies where ERC-7201 puts each name, and nothing in the first slots", async () => {
    await scene.identity["register()"]();
    const at = async (index: number, slot: bigint): Promise<bigint> => BigInt(await scene.ethers.provider.getStorage(await all()[index]!.getAddress(), slot));
    expect(await at(0, namespaceSlot("agnt2.storage.IdentityRegistry"))).to.equal(1n);
    const identity = BigInt(await scene.identity.getAddress());
    expect(await at(1, namespaceSlot("agnt2.storage.ReputationRegistry"))).to.equal(identity);
    expect(await at(2, namespaceSlot("agnt2.storage.ValidationRegistry"))).to.equal(identity);
    for (const index of [0, 1, 2]) {
      expect(await at(index, namespaceSlot("openzeppelin.storage.Ownable"))).to.equal(BigInt(scene.signers[0]!.address));
      for (const slot of [0n, 1n, 2n]) expect(await at(index, slot)).to.equal(0n);
    }
  });

  it("size: is below EIP-170's limit", async () => {
    for (const contract of [...CONTRACTS, "RegistryProxy"]) {
      const { deployedBytecode } = await hre.artifacts.readArtifact(contract);
      expect((deployedBytecode.length - 2) / 2, contract).to.be.lessThan(MAX_CODE_BYTES);
    }
  });
});

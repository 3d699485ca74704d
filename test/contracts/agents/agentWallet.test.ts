import { expect } from "chai";
import { ZeroAddress, concat } from "ethers";

import type { IdentityRegistry, SmartWallet } from "../../../typechain-types/index.ts";
import { createRegistryScene, deployRegistries, malleated, signWalletConsent } from "../../builders/registryScene.ts";
import type { RegistryScene, WalletConsent } from "../../builders/registryScene.ts";

const [OWNER, WALLET, OTHER, STRANGER] = [1, 2, 3, 4] as const;
const MAX_DEADLINE_SECONDS = 300;
const BAD_SIGNATURE = "invalid wallet sig";

describe("setAgentWallet", () => {
  let scene: RegistryScene;
  let identity: IdentityRegistry;
  let chainId: bigint;
  before(async () => {
    scene = await createRegistryScene();
    ({ identity } = scene);
    ({ chainId } = await scene.ethers.provider.getNetwork());
  });
  beforeEach(async () => {
    await as(OWNER)["register()"]();
    await as(OWNER)["register()"]();
  });
  afterEach(() => scene.restore());
  after(() => scene.close());

  const signer = (index: number) => scene.signers[index]!;
  const as = (index: number): IdentityRegistry => identity.connect(signer(index));
  const address = (index: number): string => signer(index).address;
  const soon = async (): Promise<number> => (await scene.now()) + 100;
  const consentTo = async (changes: Partial<WalletConsent> = {}): Promise<WalletConsent> => ({
    chainId, registry: await identity.getAddress(), agentId: 0n, newWallet: address(WALLET), owner: address(OWNER), deadline: await soon(), ...changes,
  });
  /** What the wallet signs, with something changed that the caller does not say. */
  const refusedWhenSignedFor = async (changes: Partial<WalletConsent>): Promise<void> => {
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), { ...consent, ...changes });
    await expect(as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, signature)).to.be.revertedWith(BAD_SIGNATURE);
    expect(await identity.getAgentWallet(0)).to.equal(address(OWNER));
  };

  it("wallet that agreed: becomes the agent's, whoever acts for the agent brings its signature", async () => {
    await as(OWNER).approve(address(OTHER), 0);
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), consent);
    await expect(as(OTHER).setAgentWallet(0, address(WALLET), consent.deadline, signature))
      .to.emit(identity, "MetadataSet").withArgs(0, "agentWallet", "agentWallet", address(WALLET).toLowerCase());
    expect(await identity.getAgentWallet(0)).to.equal(address(WALLET));
    expect(await identity.getMetadata(0, "agentWallet")).to.equal(address(WALLET).toLowerCase());
    expect(await identity.getAgentWallet(1)).to.equal(address(OWNER));
  });

  it("wallet: cannot make itself an agent's, and nobody can without it", async () => {
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), consent);
    await expect(as(WALLET).setAgentWallet(0, address(WALLET), consent.deadline, signature)).to.be.revertedWith("Not authorized");
    const signedByOwner = await signWalletConsent(signer(OWNER), consent);
    await expect(as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, signedByOwner)).to.be.revertedWith(BAD_SIGNATURE);
    for (const garbage of ["0x", "0x00", `0x${"00".repeat(65)}`, `0x${"ff".repeat(65)}`, signature.slice(0, -2), `${signature}00`]) {
      await expect(as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, garbage), garbage).to.be.revertedWith(BAD_SIGNATURE);
    }
  });

  it("zero wallet: is refused, although a broken signature recovers to it", async () => {
    await expect(as(OWNER).setAgentWallet(0, ZeroAddress, await soon(), `0x${"00".repeat(65)}`)).to.be.revertedWith("bad wallet");
  });

  it("replay on another chain: is refused", () => refusedWhenSignedFor({ chainId: 1n }));
  it("replay for another agent: is refused", () => refusedWhenSignedFor({ agentId: 1n }));
  it("replay for another wallet: is refused", () => refusedWhenSignedFor({ newWallet: address(OTHER) }));
  it("replay with another deadline: is refused", async () => refusedWhenSignedFor({ deadline: (await soon()) + 1 }));

  it("replay in another registry: is refused in both directions", async () => {
    const other = (await deployRegistries(scene.ethers, signer(0))).identity;
    await other.connect(signer(OWNER))["register()"]();
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), consent);
    await expect(other.connect(signer(OWNER)).setAgentWallet(0, address(WALLET), consent.deadline, signature)).to.be.revertedWith(BAD_SIGNATURE);
    await refusedWhenSignedFor({ registry: await other.getAddress() });
  });

  it("replay after a transfer: is refused for the new owner", async () => {
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), consent);
    await as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, signature);
    await as(OWNER).transferFrom(address(OWNER), address(OTHER), 0);
    await expect(as(OTHER).setAgentWallet(0, address(WALLET), consent.deadline, signature)).to.be.revertedWith(BAD_SIGNATURE);
    expect(await identity.getAgentWallet(0)).to.equal(ZeroAddress);
  });

  it("signature for the same owner: is good as often as it is shown until its deadline, and not after it", async () => {
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), consent);
    const set = () => as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, signature);
    await set();
    await as(OWNER).unsetAgentWallet(0);
    expect(await identity.getAgentWallet(0)).to.equal(ZeroAddress);
    await set();
    await as(OWNER).transferFrom(address(OWNER), address(OTHER), 0);
    await as(OTHER).transferFrom(address(OTHER), address(OWNER), 0);
    await set();
    expect(await identity.getAgentWallet(0)).to.equal(address(WALLET));
    await scene.connection.networkHelpers.time.setNextBlockTimestamp(consent.deadline + 1);
    await expect(set()).to.be.revertedWith("expired");
  });

  it("malleable s: is refused, although it recovers to the wallet", async () => {
    const consent = await consentTo();
    const signature = await signWalletConsent(signer(WALLET), consent);
    await expect(as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, malleated(signature))).to.be.revertedWith(BAD_SIGNATURE);
    await as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, signature);
  });

  it("deadline: is good to the second, and at most five minutes away", async () => {
    const at = async (deadlineAfter: number): Promise<ReturnType<IdentityRegistry["setAgentWallet"]>> => {
      const time = (await scene.now()) + 10;
      const consent = await consentTo({ deadline: time + deadlineAfter });
      const signature = await signWalletConsent(signer(WALLET), consent);
      await scene.connection.networkHelpers.time.setNextBlockTimestamp(time);
      return as(OWNER).setAgentWallet(0, address(WALLET), consent.deadline, signature);
    };
    await at(0);
    await at(MAX_DEADLINE_SECONDS);
    await expect(at(-1)).to.be.revertedWith("expired");
    await expect(at(MAX_DEADLINE_SECONDS + 1)).to.be.revertedWith("deadline too far");
  });

  describe("contract as wallet (ERC-1271)", () => {
    let wallet: SmartWallet;
    let consent: WalletConsent;
    let signature: string;
    const set = () => as(OWNER).setAgentWallet(0, consent.newWallet, consent.deadline, signature);
    beforeEach(async () => {
      wallet = (await scene.ethers.deployContract("SmartWallet", [], signer(OTHER))) as unknown as SmartWallet;
      consent = await consentTo({ newWallet: await wallet.getAddress() });
      signature = concat(["0x71", await signWalletConsent(signer(OTHER), consent)]);
    });

    it("signature in its own form: is good when the contract says so", async () => {
      await set();
      expect(await identity.getAgentWallet(0)).to.equal(consent.newWallet);
    });

    it("contract that refuses, reverts, burns its gas or answers in another form: is no wallet, and the caller's gas suffices", async () => {
      for (const mode of [1, 2, 3, 4, 5]) {
        await wallet.setMode(mode);
        await expect(as(OWNER).setAgentWallet(0, consent.newWallet, consent.deadline, signature, { gasLimit: 2_000_000 }), `mode ${mode}`).to.be.revertedWith(BAD_SIGNATURE);
      }
    });

    it("contract that tries to write: cannot", async () => {
      await wallet.setMode(6);
      await set();
      expect(await wallet.writes()).to.equal(0n);
    });

    it("signature of another agent, owner or registry: is refused as that of a key is", async () => {
      for (const changes of [{ agentId: 1n }, { owner: address(STRANGER) }, { registry: address(STRANGER) }, { chainId: 1n }]) {
        signature = concat(["0x71", await signWalletConsent(signer(OTHER), { ...consent, ...changes })]);
        await expect(set()).to.be.revertedWith(BAD_SIGNATURE);
      }
    });
  });
});

import { expect } from "chai";
import { TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";

import { createL1Scene, TEST_CONFIG } from "../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../builders/rollupContracts.ts";
import { withdrawalLeaf, withdrawalState } from "../builders/stateTree.ts";

const SALT = `0x${"ab".repeat(32)}`;

describe("RollupFactory", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  describe("create", () => {
    it("clones: are where the factory said, hold the configuration, and know each other", async () => {
      const { factory, signers } = scene;
      const expected = await factory.addressesOf(signers[0]!.address, SALT);
      const registry = await (await scene.ethers.deployContract("TestIdentityRegistry")).getAddress();
      await expect(factory.create({ ...TEST_CONFIG, identityRegistry: registry, feeRecipient: signers[4]!.address, sequencer: signers[5]!.address, guardian: signers[6]!.address, guardianSeconds: 77, feeTable: [1n, 2n, 3n] }, SALT))
        .to.emit(factory, "RollupCreated")
        .withArgs(signers[0]!.address, SALT, expected.inbox, expected.settlement, expected.game, expected.bridge, expected.exodus, expected.adjudicator, ZeroAddress);
      const inbox = await (await scene.ethers.getContractAt("Inbox", expected.inbox)).getFunction("config")();
      expect([...inbox]).to.deep.equal([expected.bridge, signers[5]!.address, ZeroAddress, registry, signers[4]!.address, 100n, 1_000_000n, 0n, 1_000n, expected.exodus]);
      const settlement = await (await scene.ethers.getContractAt("Settlement", expected.settlement)).getFunction("config")();
      expect([...settlement]).to.deep.equal([expected.inbox, expected.game, 3_200n, 400n, 100n, 50n, 40n]);
      const game = await (await scene.ethers.getContractAt("BisectionGame", expected.game)).getFunction("config")();
      expect([...game].slice(0, 8)).to.deep.equal([expected.settlement, expected.inbox, await factory.prover(), expected.adjudicator, 2n, 60n, 5n, 7n]);
      expect([...game[8]]).to.deep.equal([1n, 2n, 3n]);
      const bridge = await (await scene.ethers.getContractAt("Bridge", expected.bridge)).getFunction("config")();
      expect([...bridge]).to.deep.equal([expected.inbox, expected.settlement, ZeroAddress, 1_000_000_000n, 10n, expected.exodus, signers[6]!.address, 77n]);
      // W + D + 2 (C0 + 65 e), twice, and the guardian's time.
      const exodus = await (await scene.ethers.getContractAt("Exodus", expected.exodus)).getFunction("config")();
      expect([...exodus]).to.deep.equal([expected.inbox, expected.settlement, expected.bridge, signers[4]!.address, 2n * 860n + 77n, 10n, expected.adjudicator]);
      const adjudicator = await (await scene.ethers.getContractAt("ChannelAdjudicator", expected.adjudicator)).getFunction("config")();
      expect([...adjudicator]).to.deep.equal([expected.bridge, expected.exodus, ZeroAddress, 1_000_000_000n]);
    });

    it("operators: their set decides who submits, with twice the longest dispute to be paid", async () => {
      const rollup = await scene.createRollup({ operatorBondWei: 500n });
      const [inbox, set] = [await rollup.inbox.getAddress(), await rollup.sequencerSet.getAddress()];
      expect((await rollup.inbox.config()).sequencerAuth).to.equal(set);
      expect([...(await rollup.sequencerSet.config())]).to.deep.equal([inbox, 500n, 100n, 1_000n, 20n, 2n * 860n]);
      const without = await scene.createRollup();
      expect((await without.inbox.config()).sequencerAuth).to.equal(ZeroAddress);
      expect(await scene.ethers.provider.getCode(await without.sequencerSet.getAddress())).to.equal("0x");
    });

    it("salt: belongs to its creator and works once", async () => {
      const { factory, signers } = scene;
      const salt = `0x${"cd".repeat(32)}`;
      await factory.create(TEST_CONFIG, salt);
      await expect(factory.create(TEST_CONFIG, salt)).to.be.revertedWithCustomError(factory, "FailedDeployment");
      await factory.connect(signers[1]!).create(TEST_CONFIG, salt);
      const [mine, theirs] = [await factory.addressesOf(signers[0]!.address, salt), await factory.addressesOf(signers[1]!.address, salt)];
      expect(mine.inbox).to.not.equal(theirs.inbox);
    });

    it("configuration: is rejected when there are fees and nobody to get them", async () => {
      await expect(scene.factory.create({ ...TEST_CONFIG, feeTable: [0n, 0n, 1n] }, ZeroHash))
        .to.be.revertedWithCustomError(scene.factory, "BadConfig")
        .withArgs("feeRecipient");
    });

    for (const [parameter, value] of [
      ["assetScale", 0],
      ["bondWei", 0],
      ["windowSeconds", 0],
      ["epochSteps", 0],
      ["windowSeconds", 366 * 86_400],
      ["joinSeconds", 0],
      ["joinSeconds", 366 * 86_400],
      ["clockSeconds", 0],
      ["clockSeconds", 366 * 86_400],
      ["incrementSeconds", 366 * 86_400],
      ["parts", 1],
      ["parts", 65],
      ["inclusionDelaySeconds", 15],
      ["inclusionDelaySeconds", 31 * 86_400],
      ["guardianSeconds", 366 * 86_400],
      ["epochAgeSeconds", 761],
      ["asset", "0x00000000000000000000000000000000000000aa"],
      ["identityRegistry", "0x00000000000000000000000000000000000000aa"],
      ["sequencerAuth", "0x00000000000000000000000000000000000000aa"],
      ["slotSeconds", 1],
      ["slotSeconds", 86_401],
      ["vacancySeconds", 99],
      ["vacancySeconds", 31 * 86_400],
      ["graceSeconds", 51],
    ] as const) {
      it(`configuration: is rejected when ${parameter} is ${value}`, async () => {
        await expect(scene.factory.create({ ...TEST_CONFIG, operatorBondWei: parameter === "sequencerAuth" ? 0n : 500n, [parameter]: value }, ZeroHash))
          .to.be.revertedWithCustomError(scene.factory, "BadConfig")
          .withArgs(parameter);
      });
    }
  });

  describe("implementations", () => {
    it("shared code: is locked", async () => {
      const { factory, ethers, signers } = scene;
      const me = signers[0]!.address;
      const inbox = (await ethers.getContractAt("Inbox", await factory.inboxImplementation())) as unknown as RollupContracts["inbox"];
      const settlement = (await ethers.getContractAt("Settlement", await factory.settlementImplementation())) as unknown as RollupContracts["settlement"];
      const game = (await ethers.getContractAt("BisectionGame", await factory.gameImplementation())) as unknown as RollupContracts["game"];
      const bridge = (await ethers.getContractAt("Bridge", await factory.bridgeImplementation())) as unknown as RollupContracts["bridge"];
      const exodus = (await ethers.getContractAt("Exodus", await factory.exodusImplementation())) as unknown as RollupContracts["exodus"];
      for (const [contract, call] of [
        [inbox, () => inbox.enqueueDeposit(me, me, 1)],
        [inbox, () => inbox.force(new Uint8Array(96))],
        [inbox, () => inbox.linkAgent(0)],
        [inbox, () => inbox.sweepFees()],
        [inbox, () => inbox.stop()],
        [exodus, () => exodus.declare()],
        [bridge, () => bridge.payExodus(2, 1, me, 1)],
        [bridge, () => bridge.pause(1)],
        [settlement, () => settlement.claim(ZeroHash, 1, 0, ZeroHash, ZeroHash, me)],
        [game, () => game.open(ZeroHash, 0, [ZeroHash])],
        [bridge, () => bridge.deposit(me, 1_000_000_000, { value: 1_000_000_000 })],
        [bridge, () => bridge.withdraw(0, [ZeroHash, ZeroHash, ZeroHash, ZeroHash], [], ZeroHash)],
      ] as const) {
        await expect(call()).to.be.revertedWithCustomError(contract, "NotAClone");
      }
      const time = (await ethers.provider.getBlock("latest"))!.timestamp;
      await expect(inbox.submitBatch(time, 0, ZeroHash, "0x")).to.be.revertedWithCustomError(inbox, "NotAClone");
    });
  });

  describe("two chains side by side", () => {
    it("claims: of one are unknown to the other, even for the same state", async () => {
      const [a, b] = [await scene.createRollup(), await scene.createRollup()];
      const root = `0x${"11".repeat(32)}`;
      const claimOfA = await scene.confirmState(a, root);
      await scene.confirmState(b, root);
      expect(await a.settlement.genesisClaim()).to.not.equal(await b.settlement.genesisClaim());
      await expect(b.settlement.confirmedState(claimOfA)).to.be.revertedWithCustomError(b.settlement, "NotConfirmed").withArgs(claimOfA);
      await expect(b.settlement.back(claimOfA, ZeroAddress, { value: 3_200 })).to.be.revertedWithCustomError(b.settlement, "UnknownClaim").withArgs(claimOfA);
      const genesisOfA = await a.settlement.genesisClaim();
      await expect(b.settlement.claim(genesisOfA, 1, 0, root, await b.inbox.epochAccumulator(0), ZeroAddress, { value: 3_200 }))
        .to.be.revertedWithCustomError(b.settlement, "UnknownClaim")
        .withArgs(genesisOfA);
    });

    it("withdrawals: of one are not paid by the other", async () => {
      const [a, b] = [await scene.createRollup(), await scene.createRollup()];
      const recipient = scene.signers[5]!.address;
      const state = withdrawalState([{ recipient, amount: 7n }]);
      for (const { bridge } of [a, b]) await bridge.deposit(recipient, 10n ** 10n, { value: 10n ** 10n });
      const claimOfA = await scene.confirmState(a, state.root);
      const claimOfB = await scene.confirmState(b, `0x${"22".repeat(32)}`);
      await scene.networkHelpers.time.increase(10);
      const leaf = withdrawalLeaf({ recipient, amount: 7n });
      await expect(b.bridge.withdraw(0, leaf, state.proofOf(0n), claimOfA)).to.be.revertedWithCustomError(b.settlement, "NotConfirmed").withArgs(claimOfA);
      await expect(b.bridge.withdraw(0, leaf, state.proofOf(0n), claimOfB)).to.be.revertedWithCustomError(b.bridge, "BadProof");
      await a.bridge.withdraw(0, leaf, state.proofOf(0n), claimOfA);
      expect(await b.bridge.isWithdrawn(0)).to.equal(false);
    });

    it("deposits: of one bridge cannot be queued in the other's inbox", async () => {
      const [a, b] = [await scene.createRollup(), await scene.createRollup()];
      const bridgeOfA = await a.bridge.getAddress();
      await scene.networkHelpers.impersonateAccount(bridgeOfA);
      await scene.networkHelpers.setBalance(bridgeOfA, 10n ** 18n);
      const asBridgeOfA = b.inbox.connect(await scene.ethers.getSigner(bridgeOfA));
      await expect(asBridgeOfA.enqueueDeposit(bridgeOfA, bridgeOfA, 1)).to.be.revertedWithCustomError(b.inbox, "NotBridge").withArgs(bridgeOfA);
    });

    it("signing domain: is each inbox's own", async () => {
      const [a, b] = [await scene.createRollup(), await scene.createRollup()];
      const domain = { name: "agnt2", version: "1", chainId: 31337, verifyingContract: await a.inbox.getAddress() };
      expect(await a.inbox.domainSeparator()).to.equal(TypedDataEncoder.hashDomain(domain));
      expect(await b.inbox.domainSeparator()).to.not.equal(await a.inbox.domainSeparator());
    });
  });
});

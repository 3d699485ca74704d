import { expect } from "chai";
import { Wallet, concat, getBytes, keccak256, toBeHex, zeroPadValue } from "ethers";

import { configStruct, updateStruct } from "../../../chain/channels/channelStructs.ts";
import { readChannel } from "../../../chain/channels/readChannel.ts";
import { encodeLeaf, fromHex, toHex } from "../../../core/codec/index.ts";
import { HOME } from "../../../core/channel/index.ts";
import type { ChannelConfig } from "../../../core/channel/index.ts";
import { hexWords } from "../../../core/dispute/encodeStepProof.ts";
import { DEPTH_OF_KIND, KIND, WITHDRAWAL_CAUSE } from "../../../core/generated/protocol.ts";
import { KEY, WINDOW } from "../../builders/channelScene.ts";
import { addressBytes, signingFor } from "../../builders/channelSigning.ts";
import type { ChannelSigning } from "../../builders/channelSigning.ts";
import { claimState } from "../../builders/claimState.ts";
import { createL1Scene } from "../../builders/rollupContracts.ts";
import type { L1Scene, RollupContracts } from "../../builders/rollupContracts.ts";
import { sparseState } from "../../builders/stateTree.ts";
import type { SparseLeaf } from "../../builders/stateTree.ts";
import { submitBatch } from "../../builders/submitBatch.ts";

const GWEI = 1_000_000_000n;
const [A, B] = [addressBytes(KEY.A), addressBytes(KEY.B)];
const CHANNEL = { id: 77, a: 3, b: 4, depositA: 1_000, depositB: 500, window: WINDOW, status: 1, version: 2, paidByA: 100, paidByB: 30 } as const;
type Words = [string, string, string, string];

const wordsOf = (bytes: Uint8Array): Words => hexWords(bytes) as unknown as Words;
const leafOf = (kind: number, index: number, words: Words): SparseLeaf => ({ kind, depth: DEPTH_OF_KIND[kind]!, index: BigInt(index), words });

describe("ChannelAdjudicator: channels of Layer Core", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  const config: ChannelConfig = { home: HOME.CORE, partyA: A, partyB: B, asset: new Uint8Array(20), unit: 0, windowSeconds: WINDOW, flags: 0, salt: CHANNEL.id };
  const channelLeaf = wordsOf(encodeLeaf("CHANNEL", CHANNEL));

  async function chain(): Promise<RollupContracts & { channel: ChannelSigning; address: string }> {
    const rollup = await scene.createRollup({ guardian: scene.signers[9]!.address, guardianSeconds: 1_000 });
    await rollup.bridge.deposit(scene.signers[0]!.address, 10n ** 18n, { value: 10n ** 18n });
    const address = await rollup.adjudicator.getAddress();
    return { ...rollup, address, channel: signingFor({ chainId: 31337, adjudicator: getBytes(address) }, config, [KEY.A, KEY.B]) };
  }

  /** Confirms a state in which the channel was exported, and shows the export. */
  async function exported(rollup: RollupContracts & { channel: ChannelSigning; address: string }, fields: Readonly<Record<string, unknown>> = {}) {
    const leaf = wordsOf(encodeLeaf("WITHDRAWAL", {
      recipient: fromHex(rollup.address), amount: 1_500, l2Time: 9, agent: 3, batchIndex: 1, cause: WITHDRAWAL_CAUSE.EXPORT,
      context: rollup.channel.id, contextHash: fromHex(keccak256(concat(channelLeaf))), ...fields,
    }));
    const state = sparseState([leafOf(KIND.WITHDRAWAL, 5, leaf)]);
    const claimId = await scene.confirmState(rollup, state.root);
    return { index: 5, leaf, siblings: state.proof(KIND.WITHDRAWAL, 5n), claimId };
  }
  const delay = () => scene.networkHelpers.time.increase(10);

  /** Has the sender be anyone. */
  async function as(address: string) {
    await scene.networkHelpers.impersonateAccount(address);
    await scene.networkHelpers.setBalance(address, 10n ** 20n);
    return scene.ethers.getSigner(address);
  }

  async function expectImported(rollup: RollupContracts & { channel: ChannelSigning; address: string }): Promise<void> {
    const { adjudicator, channel, address } = rollup;
    const state = await readChannel(adjudicator, channel.id);
    expect(state).to.deep.include({ status: "OPEN", version: 2, nets: [1_000, 500] });
    expect(state.recorded.map(({ paid }) => paid)).to.deep.equal([100, 30]);
    expect(await scene.ethers.provider.getBalance(address)).to.equal(1_500n * GWEI);
    // Vouchers that were signed in Layer Core go on.
    const voucher = channel.voucher({ version: 2, sequence: 12, paid: 250 });
    await adjudicator.checkpoint(configStruct(config), updateStruct({ vouchers: [voucher] }));
    await adjudicator.connect(await as(toHex(A))).challenge(configStruct(config), updateStruct({}), 0, []);
    await scene.networkHelpers.time.increase(WINDOW);
    const before = await scene.ethers.provider.getBalance(toHex(B));
    await adjudicator.close(configStruct(config), [], []);
    expect((await scene.ethers.provider.getBalance(toHex(B))) - before).to.equal((500n + 250n - 30n) * GWEI);
    expect(await scene.ethers.provider.getBalance(address)).to.equal(0n);
  }

  describe("importExport", () => {
    it("a channel that was exported: is open on L1 with deposits, version, totals and money", async () => {
      const rollup = await chain();
      const proof = await exported(rollup);
      await delay();
      await rollup.adjudicator.importExport(toHex(A), toHex(B), channelLeaf, proof);
      await expectImported(rollup);
    });

    it("the money came before: somebody had the withdrawal paid, and it is the channel's all the same", async () => {
      const rollup = await chain();
      const proof = await exported(rollup);
      await delay();
      await rollup.bridge.withdraw(proof.index, proof.leaf, proof.siblings, proof.claimId);
      await rollup.adjudicator.importExport(toHex(A), toHex(B), channelLeaf, proof);
      await expectImported(rollup);
    });

    it("23, the same outcome on L1 and on L2: a channel comes once, and nothing but an export of it opens it", async () => {
      const rollup = await chain();
      const { adjudicator } = rollup;
      const refuses = async (fields: Readonly<Record<string, unknown>>, parties = [toHex(A), toHex(B)] as const, leaf = channelLeaf) => {
        const proof = await exported(rollup, fields);
        await delay();
        await expect(adjudicator.importExport(...parties, leaf, proof)).to.be.revertedWithCustomError(adjudicator, "NotExported");
      };
      await refuses({ cause: WITHDRAWAL_CAUSE.WITHDRAW });
      await refuses({ amount: 1_499 });
      await refuses({ recipient: A });
      await refuses({ context: new Uint8Array(32).fill(1) });
      await refuses({}, [toHex(B), toHex(A)]);
      await refuses({}, undefined, wordsOf(encodeLeaf("CHANNEL", { ...CHANNEL, depositA: 500, depositB: 1_000 })));
      await refuses({}, undefined, wordsOf(encodeLeaf("CHANNEL", { ...CHANNEL, paidByA: 0 })));
      const proof = await exported(rollup);
      await delay();
      await adjudicator.importExport(toHex(A), toHex(B), channelLeaf, proof);
      const again = () => adjudicator.importExport(toHex(A), toHex(B), channelLeaf, proof);
      await expect(again()).to.be.revertedWithCustomError(adjudicator, "WrongStatus");
      await expectImported(rollup);
      await expect(again()).to.be.revertedWithCustomError(adjudicator, "WrongStatus");
      // Nobody opens a channel of the other home by hand.
      await expect(adjudicator.open(configStruct({ ...config, salt: 78 }), 0, 0)).to.be.revertedWithCustomError(adjudicator, "BadConfig").withArgs("home");
    });

    it("too early, paused, or forged: as for every withdrawal", async () => {
      const rollup = await chain();
      const { adjudicator, bridge } = rollup;
      const proof = await exported(rollup);
      const call = (given = proof) => adjudicator.importExport(toHex(A), toHex(B), channelLeaf, given);
      await expect(call()).to.be.revertedWithCustomError(bridge, "PayoutDelayed");
      await delay();
      await bridge.connect(scene.signers[9]!).pause(100);
      await expect(call()).to.be.revertedWithCustomError(bridge, "Paused");
      await bridge.connect(scene.signers[9]!).pause(0);
      await expect(call({ ...proof, index: 6 })).to.be.revertedWithCustomError(bridge, "BadProof");
      await expect(call({ ...proof, leaf: [...proof.leaf.slice(0, 3), zeroPadValue(toBeHex(1), 32)] as Words })).to.be.revertedWithCustomError(bridge, "BadProof");
      await call();
    });

    it("money from anyone else: is refused", async () => {
      const { adjudicator, address } = await chain();
      await expect(scene.signers[0]!.sendTransaction({ to: address, value: 1n })).to.be.revertedWithCustomError(adjudicator, "NotBridge");
    });
  });

  describe("importExodus", () => {
    async function died() {
      const rollup = await chain();
      const agent = (key: string) => wordsOf(encodeLeaf("AGENT", { owner: addressBytes(key), balance: 5 }));
      const leaves = [
        leafOf(KIND.CHANNEL, 9, channelLeaf), leafOf(KIND.CHANNEL, 10, wordsOf(encodeLeaf("CHANNEL", { ...CHANNEL, id: 0 }))),
        leafOf(KIND.CHANNEL, 11, wordsOf(encodeLeaf("CHANNEL", { ...CHANNEL, id: 78, depositA: 0, depositB: 0 }))),
        leafOf(KIND.AGENT, 3, agent(KEY.A)), leafOf(KIND.AGENT, 4, agent(KEY.B)), leafOf(KIND.AGENT, 5, agent(KEY.STRANGER)),
      ];
      const state = sparseState(leaves);
      await submitBatch(rollup.inbox, await scene.now(), await rollup.inbox.entryCount(), "0x");
      const { claimId } = await claimState(rollup, { stateRoot: state.root });
      await scene.networkHelpers.time.increase((await rollup.settlement.config()).windowSeconds);
      await rollup.settlement.confirm(claimId);
      await rollup.bridge.deposit(scene.signers[0]!.address, GWEI, { value: GWEI });
      await scene.setNextTime(Number(await rollup.exodus.declarableAt()));
      await rollup.exodus.declare();
      await rollup.exodus.finalise();
      await delay();
      const at = (kind: number, index: number) => ({ kind, index, words: leaves.find((leaf) => leaf.kind === kind && leaf.index === BigInt(index))!.words as Words, siblings: state.proof(kind, BigInt(index)) });
      return { ...rollup, at };
    }

    it("a chain that is dead: hands its channels over with their money, each once", async () => {
      const rollup = await died();
      const { exodus, bridge, at } = rollup;
      const pay = () => exodus.payLeaf(at(KIND.CHANNEL, 9), [at(KIND.AGENT, 3), at(KIND.AGENT, 4)]);
      await pay();
      await expect(pay()).to.be.revertedWithCustomError(bridge, "AlreadyPaid");
      await expectImported(rollup);
    });

    it("other agents, empty and free leaves: are refused", async () => {
      const { exodus, at } = await died();
      const channel = at(KIND.CHANNEL, 9);
      const [a, b, other] = [at(KIND.AGENT, 3), at(KIND.AGENT, 4), at(KIND.AGENT, 5)];
      for (const context of [[b, a], [a, other], [other, b]]) await expect(exodus.payLeaf(channel, context)).to.be.revertedWithCustomError(exodus, "WrongLeaf");
      for (const context of [[], [a], [a, b, other]]) await expect(exodus.payLeaf(channel, context)).to.be.revertedWithCustomError(exodus, "WrongContext");
      for (const empty of [10, 11]) await expect(exodus.payLeaf(at(KIND.CHANNEL, empty), [a, b])).to.be.revertedWithCustomError(exodus, "NothingOwed");
      await expect(exodus.payLeaf({ ...channel, words: wordsOf(encodeLeaf("CHANNEL", { ...CHANNEL, depositB: 501 })) }, [a, b])).to.be.revertedWithCustomError(exodus, "BadProof");
    });

    it("anyone but the Exodus: is refused", async () => {
      const { adjudicator } = await chain();
      await expect(adjudicator.importExodus(toHex(A), toHex(B), channelLeaf)).to.be.revertedWithCustomError(adjudicator, "NotExodus");
    });
  });

  describe("without a chain", () => {
    it("the code alone: works for channels at home on L1, and knows of no other home", async () => {
      const alone = (await scene.ethers.deployContract("ChannelAdjudicator")) as unknown as RollupContracts["adjudicator"];
      const [me] = scene.signers;
      const own = { ...configStruct(config), home: HOME.L1, unit: 1, partyA: me!.address, partyB: Wallet.createRandom().address };
      await alone.open(own, 0, 10, { value: 10n });
      await expect(alone.importExodus(toHex(A), toHex(B), channelLeaf)).to.be.revertedWithCustomError(alone, "NotAClone");
      await expect(alone.config()).to.be.revertedWithCustomError(alone, "NotAClone");
    });
  });
});

import { expect } from "chai";
import { ZeroHash } from "ethers";

import { DEPTH, ERROR, KIND, OP, SETTLEMENT } from "../../core/generated/protocol.ts";
import { claimState } from "../builders/claimState.ts";
import { PROOF_FEE_WEI, createServiceScene } from "../builders/serviceScene.ts";
import type { AccountFields, ProvenState, ReceiptFields, ServiceScene } from "../builders/serviceScene.ts";
import { submitBatch } from "../builders/submitBatch.ts";

/** Account indices, which are also the signers that own them. */
const [BEA, CAL, DOT, EVE] = [1, 2, 3, 4] as const;
const FEE = PROOF_FEE_WEI;
const LAST_RECEIPT = 4 ** DEPTH.RECEIPT - 1;

describe("ProofOfService, calls", () => {
  let scene: ServiceScene;
  before(async () => {
    scene = await createServiceScene();
  });
  beforeEach(() => scene.restore());
  after(() => scene.close());

  const signer = (index: number) => scene.l1.signers[index]!;
  const address = (index: number): string => signer(index).address;
  /** Bea's account serves agent 0, Cal and Dot are clients, Eve serves for nobody. */
  const cast = (): Record<number, AccountFields> => ({ [BEA]: { owner: address(BEA), agentId: 0 }, [CAL]: { owner: address(CAL) }, [DOT]: { owner: address(DOT) }, [EVE]: { owner: address(EVE) } });
  const register = (index: number) => scene.identity.connect(signer(index))["register()"]();
  /** Bea owns agent 0; a state with these receipts is confirmed. */
  async function withReceipts(receipts: Readonly<Record<number, ReceiptFields>>, accounts = cast()): Promise<ProvenState> {
    await register(BEA);
    return await scene.confirm(accounts, receipts);
  }
  const paid = (requester: number = CAL, provider: number = BEA): ReceiptFields => ({ requester, provider });
  const calls = async (agentId = 0): Promise<[calls: number, clients: number]> => {
    const proven = await scene.proofs.provenOf(agentId);
    return [Number(proven.calls), Number(proven.clients)];
  };

  describe("what counts", () => {
    it("paid call: counts for the agent, its owner and the client, with id 0", async () => {
      const state = await withReceipts({ 0: paid() });
      await expect(scene.prove(state, 0, [CAL, BEA])).to.emit(scene.proofs, "CallProven").withArgs(0, address(BEA), address(CAL), 0, 500, 7);
      expect(await calls()).to.deep.equal([1, 1]);
      expect(await scene.proofs.callsBetween(0, address(CAL))).to.equal(1);
      expect([await scene.proofs.isProven(0), await scene.proofs.isProven(1)]).to.deep.equal([true, false]);
    });

    it("calls and clients: are counted apart", async () => {
      const state = await withReceipts({ 3: paid(), 4: paid(), 255: paid(DOT), 256: paid(), [LAST_RECEIPT]: paid(DOT) });
      for (const [receipt, client] of [[3, CAL], [4, CAL], [255, DOT], [256, CAL], [LAST_RECEIPT, DOT]] as const) await scene.prove(state, receipt, [client, BEA]);
      expect(await calls()).to.deep.equal([5, 2]);
      expect([await scene.proofs.callsBetween(0, address(CAL)), await scene.proofs.callsBetween(0, address(DOT))]).to.deep.equal([3n, 2n]);
    });

    it("records that pay a provider: RESPOND, ACCEPT, TIMEOUT and CLAIM, and no other that is PAID", async () => {
      const ops = Object.values(OP).filter((op) => op < 256);
      const receipts = Object.fromEntries(ops.map((op, index) => [index, { ...paid(), op }]));
      const state = await withReceipts(receipts);
      const counted: number[] = [];
      for (const [index, op] of ops.entries()) {
        const sent = scene.prove(state, index, [CAL, BEA]);
        if (await sent.then(() => true, () => false)) counted.push(op);
        else await expect(sent).to.be.revertedWithCustomError(scene.proofs, "NotPaidCall").withArgs(index);
      }
      expect(counted.sort()).to.deep.equal([OP.RESPOND, OP.ACCEPT, OP.TIMEOUT, OP.CLAIM].sort());
    });

    it("refunded, pending and rejected calls, and calls for nothing: do not count", async () => {
      const cases: Partial<ReceiptFields>[] = [
        { settlement: SETTLEMENT.REFUNDED }, { settlement: SETTLEMENT.PENDING }, { settlement: SETTLEMENT.NONE }, { settlement: 4 }, { settlement: 255 },
        { outcome: ERROR.E_DEADLINE }, { outcome: 255 }, { amount: 0 }, { op: OP.TIMEOUT, settlement: SETTLEMENT.REFUNDED }, { op: OP.CLAIM, settlement: SETTLEMENT.REFUNDED },
      ];
      const state = await withReceipts(Object.fromEntries(cases.map((other, index) => [index, { ...paid(), ...other }])));
      for (const index of cases.keys()) await expect(scene.prove(state, index, [CAL, BEA])).to.be.revertedWithCustomError(scene.proofs, "NotPaidCall").withArgs(index);
    });

    it("fee: is taken exactly, and nobody gets it", async () => {
      const state = await withReceipts({ 0: paid() });
      for (const value of [0n, FEE - 1n, FEE + 1n]) {
        await expect(scene.proofs.prove(state.claimId, state.receipt(0), state.account(CAL), state.account(BEA), { value })).to.be.revertedWithCustomError(scene.proofs, "WrongFee").withArgs(value, FEE);
      }
      await expect(scene.prove(state, 0, [CAL, BEA])).to.changeEtherBalance(scene.l1.ethers, scene.proofs, FEE);
      await expect(signer(0).sendTransaction({ to: await scene.proofs.getAddress(), value: 1 })).to.revert(scene.l1.ethers);
    });

    it("anyone: may prove, for the agent's sake or not", async () => {
      const state = await withReceipts({ 0: paid() });
      await scene.proofs.connect(signer(9)).prove(state.claimId, state.receipt(0), state.account(CAL), state.account(BEA), { value: FEE });
      expect(await calls()).to.deep.equal([1, 1]);
    });

    it("agent that does not exist: has nothing, and no view fails", async () => {
      expect(await calls(77)).to.deep.equal([0, 0]);
      expect(await scene.proofs.callsBetween(2n ** 255n, address(CAL))).to.equal(0);
      expect((await scene.proofs.attachedOf(77, address(CAL))).feedbackIndex).to.equal(0);
    });
  });

  describe("proofs that are none", () => {
    it("receipt: counts once, in whatever claim it is shown again", async () => {
      const state = await withReceipts({ 5: paid() });
      const later = await scene.confirm(cast(), { 5: paid(), 6: paid(DOT) });
      await scene.prove(state, 5, [CAL, BEA]);
      const refused = async (): Promise<void> => {
        for (const again of [state, later]) await expect(scene.prove(again, 5, [CAL, BEA])).to.be.revertedWithCustomError(scene.proofs, "AlreadyProven").withArgs(5);
      };
      await refused();
      await scene.prove(later, 6, [DOT, BEA]);
      await refused();
      expect(await calls()).to.deep.equal([2, 2]);
    });

    it("claim that is not confirmed, or unknown: is refused", async () => {
      const state = await withReceipts({ 0: paid() });
      await submitBatch(scene.rollup.inbox, await scene.l1.now(), 0, "0x");
      const { claimId } = await claimState(scene.rollup, { stateRoot: state.root });
      for (const id of [claimId, ZeroHash, await scene.rollup.settlement.genesisClaim()]) {
        await expect(scene.prove({ ...state, claimId: id }, 0, [CAL, BEA])).to.be.revertedWithCustomError(scene.rollup.settlement, "NotConfirmed").withArgs(id);
      }
    });

    it("leaf of another kind, index or content: is refused", async () => {
      const state = await withReceipts({ 0: paid(), 1: paid(DOT) });
      const { proofs } = scene;
      const [receipt, requester, provider] = [state.receipt(0), state.account(CAL), state.account(BEA)];
      const send = (r: typeof receipt, a: typeof receipt, b: typeof receipt) => proofs.prove(state.claimId, r, a, b, { value: FEE });
      const richer = [...requester.leaf] as typeof requester.leaf;
      richer[2] = `0x${"11".repeat(32)}`;
      await expect(send({ ...receipt, index: 1 }, requester, provider)).to.be.revertedWithCustomError(proofs, "BadProof").withArgs(KIND.RECEIPT, (root: string) => root !== state.root, state.root);
      await expect(send({ ...receipt, leaf: state.receipt(1).leaf }, requester, provider)).to.be.revertedWithCustomError(proofs, "BadProof");
      await expect(send(receipt, { ...requester, leaf: richer }, provider)).to.be.revertedWithCustomError(proofs, "BadProof").withArgs(KIND.AGENT, (root: string) => root !== state.root, state.root);
      await expect(send(receipt, requester, { ...provider, index: 9 })).to.be.revertedWithCustomError(proofs, "BadProof");
      // An account is no receipt: its proof is shorter, and padded it leads elsewhere.
      await expect(send(requester, requester, provider)).to.be.revertedWithCustomError(proofs, "ProofLength");
      await expect(send({ ...requester, siblings: receipt.siblings }, requester, provider)).to.be.revertedWithCustomError(proofs, "BadProof");
      await expect(send({ ...receipt, siblings: [...receipt.siblings, ZeroHash, ZeroHash, ZeroHash] }, requester, provider)).to.be.revertedWithCustomError(proofs, "ProofLength");
    });

    it("index beyond the subtree: does not reach a receipt a second time", async () => {
      const state = await withReceipts({ 0: paid() });
      await scene.prove(state, 0, [CAL, BEA]);
      for (const index of [4n ** 24n, 2n ** 63n]) {
        await expect(scene.proofs.prove(state.claimId, { ...state.receipt(0), index }, state.account(CAL), state.account(BEA), { value: FEE })).to.be.revertedWithCustomError(scene.proofs, "LeafIndex").withArgs(index, 24);
      }
    });

    it("empty leaves: prove nothing", async () => {
      const state = await withReceipts({ 0: paid() });
      const nothing = { ...state.receipt(0), index: 9, leaf: [ZeroHash, ZeroHash, ZeroHash, ZeroHash] as [string, string, string, string] };
      const later = await scene.confirm(cast(), { 0: paid(), 8: paid() });
      // Leaf 9 is empty, and its proof is that of leaf 8 but for leaf 8 itself.
      const siblings = [...later.receipt(8).siblings];
      const { keccak256, concat } = scene.l1.ethers;
      siblings[0] = keccak256(concat([...later.receipt(8).leaf, "0x08"]));
      await expect(scene.proofs.prove(later.claimId, { ...nothing, siblings }, later.account(CAL), later.account(BEA), { value: FEE })).to.be.revertedWithCustomError(scene.proofs, "NotPaidCall").withArgs(9);
    });

    it("accounts: have to be the receipt's, in their parts", async () => {
      const state = await withReceipts({ 0: paid() });
      await expect(scene.prove(state, 0, [DOT, BEA])).to.be.revertedWithCustomError(scene.proofs, "WrongAccount").withArgs(DOT, CAL);
      await expect(scene.prove(state, 0, [CAL, DOT])).to.be.revertedWithCustomError(scene.proofs, "WrongAccount").withArgs(DOT, BEA);
      await expect(scene.prove(state, 0, [BEA, CAL])).to.be.revertedWithCustomError(scene.proofs, "WrongAccount").withArgs(BEA, CAL);
    });
  });

  describe("who is paid, and by whom", () => {
    it("provider without a link: counts for nobody", async () => {
      const state = await withReceipts({ 0: paid(CAL, EVE) });
      await expect(scene.prove(state, 0, [CAL, EVE])).to.be.revertedWithCustomError(scene.proofs, "NotLinked").withArgs(EVE);
    });

    it("provider linked by somebody who may not act for the agent any more: does not count", async () => {
      const state = await withReceipts({ 0: paid(CAL, EVE), 1: paid(CAL, EVE) }, { ...cast(), [EVE]: { owner: address(EVE), agentId: 0 } });
      const { identity, proofs } = scene;
      await expect(scene.prove(state, 0, [CAL, EVE])).to.be.revertedWithCustomError(proofs, "NotAuthorized").withArgs(address(EVE), 0);
      await identity.connect(signer(BEA)).approve(address(EVE), 0);
      await scene.prove(state, 0, [CAL, EVE]);
      await identity.connect(signer(BEA)).approve(address(9), 0);
      await expect(scene.prove(state, 1, [CAL, EVE])).to.be.revertedWithCustomError(proofs, "NotAuthorized").withArgs(address(EVE), 0);
      expect(await calls()).to.deep.equal([1, 1]);
    });

    it("link to an agent that does not exist: counts for nobody", async () => {
      const state = await withReceipts({ 0: paid() }, { ...cast(), [BEA]: { owner: address(BEA), agentId: 5 } });
      await expect(scene.prove(state, 0, [CAL, BEA])).to.be.revertedWithCustomError(scene.identity, "ERC721NonexistentToken").withArgs(5);
    });

    it("second account of the agent's owner, or of its operator: is no client", async () => {
      const state = await withReceipts({ 0: paid(CAL, BEA), 1: paid(DOT, BEA) });
      const { identity, proofs } = scene;
      // Cal owns the agent now, and lets Bea's account serve for it.
      await identity.connect(signer(BEA)).transferFrom(address(BEA), address(CAL), 0);
      await identity.connect(signer(CAL)).setApprovalForAll(address(BEA), true);
      await expect(scene.prove(state, 0, [CAL, BEA])).to.be.revertedWithCustomError(proofs, "SelfDealing").withArgs(address(CAL), 0);
      await identity.connect(signer(CAL)).setApprovalForAll(address(DOT), true);
      await expect(scene.prove(state, 1, [DOT, BEA])).to.be.revertedWithCustomError(proofs, "SelfDealing").withArgs(address(DOT), 0);
      await identity.connect(signer(CAL)).setApprovalForAll(address(DOT), false);
      await identity.connect(signer(CAL)).approve(address(DOT), 0);
      await expect(scene.prove(state, 1, [DOT, BEA])).to.be.revertedWithCustomError(proofs, "SelfDealing").withArgs(address(DOT), 0);
    });

    it("two accounts of one owner: deal with themselves", async () => {
      const state = await withReceipts({ 0: paid() }, { ...cast(), [CAL]: { owner: address(BEA) } });
      await expect(scene.prove(state, 0, [CAL, BEA])).to.be.revertedWithCustomError(scene.proofs, "SelfDealing").withArgs(address(BEA), 0);
    });

    it("agent lent to an accomplice and back: what was proven meanwhile stays with the accomplice", async () => {
      const state = await withReceipts({ 0: paid(CAL, EVE) }, { ...cast(), [EVE]: { owner: address(EVE), agentId: 0 } });
      const { identity } = scene;
      // Cal acts for Bea, so it is no client while the agent is hers.
      await identity.connect(signer(BEA)).setApprovalForAll(address(CAL), true);
      await identity.connect(signer(BEA)).transferFrom(address(BEA), address(EVE), 0);
      await scene.prove(state, 0, [CAL, EVE]);
      await identity.connect(signer(EVE)).transferFrom(address(EVE), address(BEA), 0);
      expect(await calls()).to.deep.equal([0, 0]);
      expect((await scene.proofs.provenUnder(0, address(EVE))).calls).to.equal(1);
    });

    it("agent sold: begins at zero; sold back: has its own again", async () => {
      const state = await withReceipts({ 0: paid(), 1: paid(), 2: paid(DOT) });
      const { identity, proofs } = scene;
      await scene.prove(state, 0, [CAL, BEA]);
      await identity.connect(signer(BEA)).transferFrom(address(BEA), address(EVE), 0);
      expect([await calls(), await proofs.callsBetween(0, address(CAL))]).to.deep.equal([[0, 0], 0n]);
      // The seller's calls are not the buyer's, unless the buyer lets the seller's account act for it.
      await expect(scene.prove(state, 1, [CAL, BEA])).to.be.revertedWithCustomError(proofs, "NotAuthorized").withArgs(address(BEA), 0);
      await identity.connect(signer(EVE)).approve(address(BEA), 0);
      await scene.prove(state, 1, [CAL, BEA]);
      expect(await calls()).to.deep.equal([1, 1]);
      await identity.connect(signer(EVE)).transferFrom(address(EVE), address(BEA), 0);
      await scene.prove(state, 2, [DOT, BEA]);
      expect([await calls(), await proofs.callsBetween(0, address(CAL))]).to.deep.equal([[2, 2], 1n]);
    });

    it("account linked anew: its calls go where it is linked in the state that is shown", async () => {
      await register(BEA);
      await register(BEA);
      const before = await scene.confirm(cast(), { 0: paid(), 1: paid() });
      const after = await scene.confirm({ ...cast(), [BEA]: { owner: address(BEA), agentId: 1 } }, { 0: paid(), 1: paid() });
      await scene.prove(before, 0, [CAL, BEA]);
      await scene.prove(after, 1, [CAL, BEA]);
      expect([await calls(0), await calls(1)]).to.deep.equal([[1, 1], [1, 1]]);
      await expect(scene.prove(before, 1, [CAL, BEA])).to.be.revertedWithCustomError(scene.proofs, "AlreadyProven");
    });
  });

  it("deployment: wants registries that belong together, and to the chain, and a weight", async () => {
    const { l1, rollup, identity, reputation, proofs } = scene;
    const [settlement, names, words] = [await rollup.settlement.getAddress(), await identity.getAddress(), await reputation.getAddress()];
    const other = await l1.createRollup({});
    const deploy = (...args: readonly unknown[]) => l1.ethers.deployContract("ProofOfService", args as unknown[]);
    await expect(deploy(settlement, address(5), words, 1, 1)).to.be.revertedWithCustomError(proofs, "WrongRegistry").withArgs(names, address(5));
    await expect(deploy(await other.settlement.getAddress(), names, words, 1, 1)).to.be.revertedWithCustomError(proofs, "WrongRegistry");
    await expect(deploy(settlement, names, words, 1, 0)).to.be.revertedWithCustomError(proofs, "ZeroMaxWeight");
    expect([await proofs.settlement(), await proofs.identityRegistry(), await proofs.reputationRegistry(), await proofs.proofFeeWei(), await proofs.maxWeight()]).to.deep.equal([settlement, names, words, FEE, 3n]);
  });
});

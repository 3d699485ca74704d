import { encodeLeaf, fromHex } from "../../core/codec/index.ts";
import { hexWords } from "../../core/dispute/encodeStepProof.ts";
import { DEPTH, KIND, OP, SETTLEMENT } from "../../core/generated/protocol.ts";
import type { IdentityRegistry, ProofOfService, ReputationRegistry } from "../../typechain-types/index.ts";
import type { LeafProofStruct } from "../../typechain-types/agents/ProofOfService.ts";
import { deployRegistries } from "./registryScene.ts";
import { createL1Scene } from "./rollupContracts.ts";
import type { L1Scene, RollupContracts } from "./rollupContracts.ts";
import { sparseState } from "./stateTree.ts";
import type { SparseLeaf } from "./stateTree.ts";

export const PROOF_FEE_WEI = 1_000_000n;
export const MAX_WEIGHT = 3n;

/** An account of the chain; what is left out is zero. */
export interface AccountFields {
  /** L1 address. */
  readonly owner: string;
  /** ERC-8004 id that it is linked to. */
  readonly agentId?: number | bigint;
}

/** A receipt that says that a call of price 500 between these accounts was paid by RESPOND, unless said otherwise. */
export interface ReceiptFields {
  readonly requester: number;
  readonly provider: number;
  readonly op?: number;
  readonly outcome?: number;
  readonly settlement?: number;
  readonly amount?: number | bigint;
}

/** A confirmed state and its leaves, as `prove` takes them. */
export interface ProvenState {
  readonly claimId: string;
  readonly root: string;
  account(index: number): LeafProofStruct;
  receipt(index: number): LeafProofStruct;
}

/** A chain with registries and its ProofOfService, whose states are made up: what a chain's rules let be is tested elsewhere. */
export interface ServiceScene {
  readonly l1: L1Scene;
  readonly rollup: RollupContracts;
  readonly identity: IdentityRegistry;
  readonly reputation: ReputationRegistry;
  readonly proofs: ProofOfService;
  /** Has a state with these leaves confirmed, by index. */
  confirm(accounts: Readonly<Record<number, AccountFields>>, receipts: Readonly<Record<number, ReceiptFields>>, others?: readonly SparseLeaf[]): Promise<ProvenState>;
  /** Proves a receipt with the accounts that it names. */
  prove(state: ProvenState, receipt: number, accounts: readonly [requester: number, provider: number]): ReturnType<ProofOfService["prove"]>;
  /** Everything as it was at the beginning, or when it was last kept. */
  restore(): Promise<void>;
  keep(): Promise<void>;
  close(): Promise<void>;
}

const accountWords = ({ owner, agentId }: AccountFields): string[] =>
  hexWords(encodeLeaf("AGENT", { owner: fromHex(owner), balance: 500, nonce: 3, served: 7, linkedId: agentId === undefined ? 0n : BigInt(agentId) + 1n }));

const receiptWords = ({ requester, provider, op = OP.RESPOND, outcome = 0, settlement = SETTLEMENT.PAID, amount = 500 }: ReceiptFields): string[] =>
  hexWords(encodeLeaf("RECEIPT", { op, outcome, settlement, agent: provider, slot: 1, amount, id: 2, l2Time: 3, requester, provider, capability: 7, nonce: 4, batchIndex: 5 }));

export async function createServiceScene(): Promise<ServiceScene> {
  const l1 = await createL1Scene();
  const { ethers, signers } = l1;
  const { identity, reputation } = await deployRegistries(ethers, signers[0]!);
  const rollup = await l1.createRollup({ identityRegistry: await identity.getAddress(), windowSeconds: 1, joinSeconds: 1 });
  const proofs = (await ethers.deployContract("ProofOfService", [await rollup.settlement.getAddress(), await identity.getAddress(), await reputation.getAddress(), PROOF_FEE_WEI, MAX_WEIGHT])) as unknown as ProofOfService;
  let snapshot = await l1.networkHelpers.takeSnapshot();
  return {
    l1, rollup, identity, reputation, proofs,
    async confirm(accounts, receipts, others = []) {
      const leaves = [
        ...Object.entries(accounts).map(([index, fields]) => ({ kind: KIND.AGENT, depth: DEPTH.AGENT, index: BigInt(index), words: accountWords(fields) })),
        ...Object.entries(receipts).map(([index, fields]) => ({ kind: KIND.RECEIPT, depth: DEPTH.RECEIPT, index: BigInt(index), words: receiptWords(fields) })),
      ];
      const state = sparseState([...leaves, ...others]);
      const open = (kind: number, index: number): LeafProofStruct => {
        const words = leaves.find((leaf) => leaf.kind === kind && leaf.index === BigInt(index))!.words;
        return { index, leaf: words as [string, string, string, string], siblings: state.proof(kind, BigInt(index)) };
      };
      const claimId = await l1.confirmState(rollup, state.root);
      return { claimId, root: state.root, account: (index) => open(KIND.AGENT, index), receipt: (index) => open(KIND.RECEIPT, index) };
    },
    prove: (state, receipt, [requester, provider]) => proofs.prove(state.claimId, state.receipt(receipt), state.account(requester), state.account(provider), { value: PROOF_FEE_WEI }),
    async restore() {
      await snapshot.restore();
      snapshot = await l1.networkHelpers.takeSnapshot();
    },
    async keep() {
      snapshot = await l1.networkHelpers.takeSnapshot();
    },
    close: () => l1.close(),
  };
}

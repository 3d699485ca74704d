import { isError, Wallet } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { connectContracts } from "../../chain/connectContracts.ts";
import type { RootContracts } from "../../chain/connectContracts.ts";
import { blockSourceOf } from "../../chain/HeadWatcher.ts";
import { toHex } from "../../core/codec/index.ts";
import { Trace } from "../../core/dispute/index.ts";
import type { TraceOracle } from "../../core/dispute/index.ts";
import type { Replica } from "../../derivation/Replica.ts";
import { encodeCall } from "../../services/challenger/act/encodeCall.ts";
import { decide } from "../../services/challenger/decide/decide.ts";
import type { DisputeCall } from "../../services/challenger/decide/DisputeAction.ts";
import { DEFAULT_POLICY } from "../../services/challenger/decide/DisputePolicy.ts";
import { MoveBook } from "../../services/challenger/read/MoveBook.ts";
import { readDisputes, readRules } from "../../services/challenger/read/readDisputes.ts";
import { Random } from "../differential/scenario/Random.ts";
import { LyingTrace } from "./LyingTrace.ts";
import type { RollupOnChain } from "./rollupOnChain.ts";

export interface LiarOptions {
  readonly provider: JsonRpcApiProvider;
  readonly rollup: RollupOnChain;
  /** Of somebody who derived the chain: the liar knows the truth as well. */
  readonly replica: Replica;
  readonly key: string;
  readonly epoch: number;
  readonly seed: number;
  /** The first state that is false, counted from 1; by the seed when left out. */
  readonly lieAt?: number;
}

const MAX_SEEDS = 50;
const GAS = 6_000_000n;
/** What a reorganisation took from under a transaction is not waited for. */
const MINED_MS = 3_000;

/** Claims a false state of one epoch and plays for it as well as it can, by the rules and in time; false proofs it does not have. */
export class DisputeLiar {
  readonly address: string;
  readonly contracts: RootContracts;
  readonly lie: LyingTrace;
  readonly root: string;
  /** What it did so far. */
  readonly done: DisputeCall["type"][] = [];
  readonly #options: LiarOptions;
  readonly #wallet: Wallet;
  readonly #moves: MoveBook;

  constructor(options: LiarOptions) {
    const { replica, epoch, rollup, key, provider } = options;
    this.#options = options;
    this.#wallet = new Wallet(key, provider);
    this.address = this.#wallet.address;
    this.contracts = connectContracts(rollup.deployment, this.#wallet);
    this.#moves = new MoveBook(provider, rollup.deployment.contracts.game);
    const [start, end] = [epoch === 0 ? 0 : replica.view.epochs[epoch - 1]!.batchEnd, replica.view.epochs[epoch]!.batchEnd];
    const traceOptions = replica.traceOptions(start, end);
    const truth = new Trace(traceOptions);
    this.lie = falseTrace(truth, traceOptions, options);
    this.root = toHex(this.lie.rootsAt([this.lie.length])[0]!);
  }

  /** It has a live entry in the round under way. */
  async isIn(): Promise<boolean> {
    const { settlement } = this.contracts;
    const parent = await this.#parent();
    const roundId = await settlement.roundIdOf(parent, await settlement.currentRound(parent));
    const { entryCount } = await settlement.rounds(parent);
    for (let n = 0; n < Number(entryCount); n += 1) {
      const entry = await settlement.entries(roundId, n);
      if (entry.backer === this.address && !entry.isDead) return true;
    }
    return false;
  }

  /** Claims its root, or backs it when it is claimed. */
  async enter(): Promise<void> {
    const { epoch } = this.#options;
    const { settlement, inbox } = this.contracts;
    const parent = await this.#parent();
    const value = ((await settlement.bondFor(parent)) * 3n) / 2n;
    const round = await settlement.currentRound(parent);
    const claimId = await settlement.claimIdOf(parent, round, epoch, this.root);
    const isMade = (await settlement.claims(claimId)).claimedAt > 0n;
    const made = isMade
      ? await settlement.back(claimId, this.address, { value, gasLimit: GAS })
      : await settlement.claim(parent, round, epoch, this.root, await inbox.epochAccumulator(epoch), this.address, { value, gasLimit: GAS });
    await made.wait();
    this.done.push(isMade ? "back" : "claim");
  }

  /** Makes every move that is its to make now; answers how many. */
  async play(): Promise<number> {
    const { provider, rollup, replica, epoch } = this.#options;
    const head = await blockSourceOf(provider).latest();
    const sources = {
      provider, contracts: this.contracts, chainId: rollup.deployment.chainId, inboxAddress: rollup.deployment.contracts.inbox, firstBlock: rollup.deployment.blockNumber,
      address: this.address, moves: this.#moves, maxEpochs: 64, playFor: new Set<string>(),
      replica: { view: replica.view, rootAt: (count: number) => (count === replica.view.epochs[epoch]?.batchEnd ? this.lie.rootsAt([this.lie.length])[0] : replica.rootAt(count)) },
    };
    const rules = await readRules(sources);
    const state = await readDisputes(sources, rules, head);
    const calls = decide(state, { ...DEFAULT_POLICY, maxEntries: 0 }).filter((action) => action.type === "open" || action.type === "answer");
    const { settlement, game } = rollup.deployment.contracts;
    let made = 0;
    for (const call of calls) {
      const traceOf = (): Promise<TraceOracle> => Promise.resolve(this.lie);
      const { to, data } = await encodeCall(call, { settlement, game, address: this.address, parts: rules.parts, traceOf });
      const sent = await this.#wallet.sendTransaction({ to, data, value: call.valueWei, gasLimit: GAS });
      try {
        await sent.wait(1, MINED_MS);
      } catch (error) {
        // Somebody was faster: its entry, or the other's, is out.
        if (isError(error, "CALL_EXCEPTION")) continue;
        throw error;
      }
      this.done.push(call.type);
      made += 1;
    }
    return made;
  }

  /** The true claim before the epoch. */
  async #parent(): Promise<string> {
    const { replica, epoch } = this.#options;
    const { settlement } = this.contracts;
    const { claimId, nextEpoch } = await settlement.latestConfirmed();
    let parent = claimId;
    for (let at = Number(nextEpoch); at < epoch; at += 1) {
      const root = toHex(replica.rootAt(replica.view.epochs[at]!.batchEnd)!);
      parent = await settlement.claimIdOf(parent, await settlement.currentRound(parent), at, root);
    }
    return parent;
  }
}

/** A lie that is not overwritten before the epoch ends. */
function falseTrace(truth: Trace, traceOptions: ConstructorParameters<typeof LyingTrace>[1], { seed, lieAt }: LiarOptions): LyingTrace {
  for (let at = seed; at < seed + MAX_SEEDS; at += 1) {
    const random = new Random(at);
    const lie = new LyingTrace(truth, traceOptions, lieAt ?? random.between(1, truth.length), random);
    if (toHex(lie.rootsAt([truth.length])[0]!) !== toHex(truth.stateRootAt(truth.length))) return lie;
  }
  throw new Error(`no lie of the seeds from ${seed} on lasts`);
}

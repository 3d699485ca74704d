import { join } from "node:path";

import { createL1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import type { L1Source } from "../../derivation/L1Source.ts";
import { claimIdOf } from "../../chain/claimIds.ts";
import { connectContracts } from "../../chain/connectContracts.ts";
import { toHex } from "../../core/codec/hex.ts";
import { Trace } from "../../core/dispute/index.ts";
import type { RecordedStep } from "../../core/dispute/index.ts";
import { AlteredTrace } from "../../test/builders/AlteredTrace.ts";
import { setField } from "../../test/builders/editLeaf.ts";
import { TracePlayer } from "../../test/builders/TracePlayer.ts";
import type { LocalNetwork } from "./LocalNetwork.ts";

const LOOK_MS = 100;

/** A lie that is claimed on L1. */
export interface ClaimedLie {
  readonly player: TracePlayer;
  readonly epoch: number;
  /** Steps of the epoch. */
  readonly length: number;
  /** The step that is false, as it truly is. */
  readonly falseStep: number;
  readonly truth: RecordedStep;
  readonly trueClaimId: string;
  readonly falseRoot: string;
  readonly trueRoot: string;
}

/** Somebody with a replica of her own, who makes one step of an epoch as she likes and goes on from there. */
export class Liar {
  readonly #network: LocalNetwork;
  readonly #replica: Replica;
  readonly #source: L1Source;

  private constructor(network: LocalNetwork, replica: Replica, source: L1Source) {
    [this.#network, this.#replica, this.#source] = [network, replica, source];
  }

  static async begin(network: LocalNetwork): Promise<Liar> {
    const { deployment, provider, directory } = network;
    const replica = await openReplica({ dir: join(directory, "liar"), deployment, onDivergence: () => undefined });
    const source = createL1Source({ provider, deployment, consumer: replica, cursors: replica.cursors, pollMs: LOOK_MS, onError: () => undefined });
    return new Liar(network, replica, source);
  }

  /**
   * Waits for the epoch with batch `index` to be closed, and claims a state after it in which `agent` has `units`. The false step is
   * the first in the epoch's second half that executes a record.
   */
  async claim(index: number, key: string, agent: number, units: bigint): Promise<ClaimedLie> {
    const { epochs } = this.#replica.view;
    while (!epochs.some(({ batchEnd }) => batchEnd > index)) {
      await this.#source.poll();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    const epoch = epochs.findIndex(({ batchEnd }) => batchEnd > index);
    const [start, end] = [epoch === 0 ? 0 : epochs[epoch - 1]!.batchEnd, epochs[epoch]!.batchEnd];
    const options = this.#replica.traceOptions(start, end);
    const truth = new Trace(options);
    // A record that is executed makes a better story than one that is hashed.
    let falseStep = Math.floor(truth.length / 2);
    while (falseStep + 1 < truth.length && truth.stepProofAt(falseStep).trace.op < 0) falseStep += 1;
    const lie = new AlteredTrace(truth, options, falseStep, ({ state, step }) => {
      step();
      setField(state, "AGENT", agent, "balance", units);
    });
    const { provider, deployment } = this.#network;
    const parent = await this.#trueClaimOf(epoch - 1);
    const player = await TracePlayer.enter({ provider, deployment, key, parent, epoch, oracle: lie });
    const trueRoot = toHex(this.#replica.rootAt(end)!);
    return {
      player, epoch, length: truth.length, falseStep, truth: truth.stepProofAt(falseStep), trueRoot,
      falseRoot: toHex(lie.rootsAt([truth.length])[0]!),
      trueClaimId: claimIdOf({ chainId: deployment.chainId, inbox: deployment.contracts.inbox }, parent, 1, epoch, trueRoot),
    };
  }

  /** The claim of the true state after an epoch, made in the round that is the first of each epoch here. */
  async #trueClaimOf(epoch: number): Promise<string> {
    if (epoch < 0) return connectContracts(this.#network.deployment, this.#network.provider).settlement.genesisClaim();
    for (;;) {
      const root = toHex(this.#replica.rootAt(this.#replica.view.epochs[epoch]!.batchEnd)!);
      for (const claim of this.#replica.view.claims.values()) if (claim.epoch === epoch && claim.stateRoot === root) return claim.claimId;
      await this.#source.poll();
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async end(): Promise<void> {
    await this.#source.stop();
    this.#replica.close();
  }
}

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { dataSlice, keccak256, parseEther, parseUnits, toUtf8Bytes } from "ethers";
import type { ContractTransactionResponse, Overrides } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import type { Trace, TraceOracle } from "../../core/dispute/index.ts";
import { movesOfGame } from "../model/bondModel.ts";
import type { DisputeChain, Table } from "./disputeChain.ts";
import { OnChainGame, statesOf } from "./OnChainGame.ts";
import type { Player } from "./OnChainGame.ts";

/** Everybody pays this for gas: what the bonds are made for. */
export const PRICE_CAP_WEI = parseUnits("100", "gwei");
const BLOCK_SECONDS = 12;
const RICH_WEI = parseEther("1000000");
/** So that a crowd fits into one second: the worst that can happen to who answers it. */
const BLOCK_GAS = 4_000_000_000n;
const CALL: Overrides = { gasPrice: PRICE_CAP_WEI, gasLimit: 1_000_000n };
const PROOF: Overrides = { gasPrice: PRICE_CAP_WEI, gasLimit: 3_000_000n };
/** More than any entry of these crowds costs; what is above the price is credited. */
const ENTRY_WEI = parseEther("20");

export interface CrowdPlan {
  readonly chain: DisputeChain;
  readonly table: Table;
  /** The claim that the disputed epoch 1 follows. */
  readonly parent: string;
  readonly accumulator: string;
  readonly truth: Trace;
  /** Play for the truth, each with an entry of its own. */
  readonly honest: readonly HardhatEthersSigner[];
  /** Traces of false claims. The first claims before the honest ones do, the others in the last second of W. */
  readonly lies: readonly TraceOracle[];
  /** Entries on these claims, by turns, in the last second of W + D. */
  readonly backers: number;
  /** The true claim is the round's first, instead of a false one. */
  readonly isTrueFirst?: boolean;
  /** Rivals open in their last second and never answer. */
  readonly isSilent?: boolean;
}

export interface CrowdReport {
  readonly rivals: number;
  readonly games: number;
  readonly transactions: number;
  /** L1 seconds from the round's first claim until the last rival was out, and what the protocol allows. */
  readonly tookSeconds: number;
  readonly boundSeconds: number;
  /** For each honest account: what it has more than before, all gas paid; and what it spent on gas. */
  readonly gainsWei: readonly bigint[];
  readonly gasWei: readonly bigint[];
  /** What all rivals lost together; their credits counted as theirs. */
  readonly lossWei: bigint;
  /** Time that the honest side's moves and proofs took, its own and the chain's. */
  readonly honestMs: number;
  /** The most that its trace kept for going back. */
  readonly logBytes: number;
}

/** An entry, or one to be made: then n is below zero. */
interface Side extends Player {
  n: number;
}

interface Duel {
  readonly honest: Side;
  readonly rival: Side;
  game?: OnChainGame;
}

type Send = () => Promise<ContractTransactionResponse>;

/** What happens in one block. */
interface Event {
  readonly time: number;
  readonly sends: () => readonly Send[];
}

/** Many rivals against few honest entries, all games at once, every rival in the last second of its clock. */
export class Crowd {
  readonly #plan: CrowdPlan;
  readonly #players: Side[] = [];
  readonly #rivals: Side[] = [];
  /** Entries met so far. */
  #seen = 0;
  readonly #duels: Duel[] = [];
  readonly #opened = new Set<Player>();
  readonly #out = new Set<Player>();
  readonly #gasWei = new Map<string, bigint>();
  #roundId = "";
  #transactions = 0;
  #honestMs = 0;
  #logBytes = 0;

  constructor(plan: CrowdPlan) {
    this.#plan = plan;
  }

  /** Plays until every rival is out, confirms, settles and withdraws all that the honest side can have. */
  async play(): Promise<CrowdReport> {
    const { chain, table, truth, honest } = this.#plan;
    const { connection, terms } = chain;
    await connection.networkHelpers.setBlockGasLimit(BLOCK_GAS);
    for (const { address } of honest) await connection.networkHelpers.setBalance(address, RICH_WEI);
    const openedAt = (await chain.now()) + BLOCK_SECONDS;
    const agenda = await this.#agenda(openedAt);
    for (;;) {
      if (await this.#honestTurn()) continue;
      const turn = await this.#rivalsTurn();
      const next = agenda[0];
      if (next !== undefined && (turn === undefined || next.time <= turn.time)) {
        agenda.shift();
        await this.#mine(next.time, next.sends());
        await this.#meet();
      } else if (turn !== undefined) await this.#mine(turn.time, turn.sends());
      else break;
    }
    const tookSeconds = (await chain.now()) - openedAt;
    await this.#collect(openedAt);
    const moves = Math.ceil((movesOfGame(truth.length, table.k) + 1) / 2);
    return {
      rivals: this.#rivals.length,
      games: this.#duels.length,
      transactions: this.#transactions,
      tookSeconds,
      boundSeconds: terms.windowSeconds + terms.joinSeconds + 2 * (terms.clockSeconds + terms.incrementSeconds * moves),
      gainsWei: await Promise.all(honest.map(async ({ address }) => (await connection.ethers.provider.getBalance(address)) - RICH_WEI)),
      gasWei: honest.map(({ address }) => this.#gasWei.get(address) ?? 0n),
      lossWei: await this.#rivalsLoss(),
      honestMs: this.#honestMs,
      logBytes: this.#logBytes,
    };
  }

  /** Who enters when: the plan's worst case. */
  async #agenda(openedAt: number): Promise<Event[]> {
    const { chain, table, parent, accumulator, truth, honest, lies, backers } = this.#plan;
    const { settlement } = table;
    const { windowSeconds, joinSeconds } = chain.terms;
    this.#roundId = await settlement.roundIdOf(parent, 1);
    const rootOf = (oracle: TraceOracle): string => toHex(oracle.rootsAt([oracle.length])[0]!);
    const claim = ({ signer, oracle }: Side): Send => () => settlement.connect(signer).claim(parent, 1, 1, rootOf(oracle), accumulator, signer.address, { ...CALL, value: ENTRY_WEI });
    for (const signer of honest) this.#players.push({ signer, oracle: truth, n: -1 });
    for (let i = 0; i < lies.length + backers; i += 1) this.#rivals.push({ signer: await this.#stranger(i), oracle: lies[i % lies.length]!, n: -1 });
    const [first, ...others] = this.#rivals.slice(0, lies.length);
    const backing = await Promise.all(
      this.#rivals.slice(lies.length).map(async ({ signer, oracle }): Promise<Send> => {
        const claimId = await settlement.claimIdOf(parent, 1, 1, rootOf(oracle));
        return () => settlement.connect(signer).back(claimId, signer.address, { ...CALL, value: ENTRY_WEI });
      }),
    );
    const opening: Event[] =
      this.#plan.isTrueFirst === true
        ? [{ time: openedAt, sends: () => this.#players.map(claim) }, { time: openedAt + BLOCK_SECONDS, sends: () => [claim(first!)] }]
        : [
            { time: openedAt, sends: () => [claim(first!)] },
            { time: openedAt + BLOCK_SECONDS, sends: () => this.#players.map(claim) },
            // Who comes late opens at once, before more rivals make it dearer.
            { time: openedAt + 2 * BLOCK_SECONDS, sends: () => this.#players.map((player) => this.#open(player)) },
          ];
    return [
      ...opening,
      { time: openedAt + windowSeconds - 1, sends: () => others.map(claim) },
      { time: openedAt + windowSeconds + joinSeconds - 1, sends: () => backing },
    ];
  }

  /** Finds which entry is whose, and who meets whom now. */
  async #meet(): Promise<void> {
    const { settlement } = this.#plan.table;
    const { entryCount } = await settlement.rounds(this.#plan.parent);
    for (; this.#seen < entryCount; this.#seen += 1) {
      const { backer } = await settlement.entries(this.#roundId, this.#seen);
      const isMet = (one: Side): boolean => one.signer.address === backer;
      const honest = this.#players.find(isMet);
      const rival = this.#rivals.find(isMet);
      (honest ?? rival)!.n = this.#seen;
      if (honest !== undefined) for (const other of this.#rivals) if (other.n >= 0) this.#duels.push({ honest, rival: other });
      if (rival !== undefined) for (const other of this.#players) if (other.n >= 0) this.#duels.push({ honest: other, rival });
    }
  }

  /** All that the honest side can do now, in one block. False if it is not on move anywhere. */
  async #honestTurn(): Promise<boolean> {
    const sends: Send[] = [];
    const startedAt = performance.now();
    const { moveBondWei } = this.#plan.chain.terms;
    for (const duel of this.#live()) {
      if (this.#out.has(duel.rival)) continue;
      const { honest } = duel;
      const [earlier, later] = honest.n < duel.rival.n ? [honest, duel.rival] : [duel.rival, honest];
      if (duel.game === undefined && this.#opened.has(later)) duel.game = new OnChainGame(this.#plan.table, this.#roundId, { earlier, later });
      const { game } = duel;
      if (game === undefined) continue;
      if (game.leaf !== undefined) {
        const recorded = this.#plan.truth.stepProofAt(Number(game.leaf.step));
        sends.push(() => game.prove(recorded, honest.signer, PROOF));
        this.#out.add(duel.rival);
      } else if (game.players[game.toMove] === honest) sends.push(() => game.answer({ ...CALL, value: moveBondWei }));
    }
    if (sends.length > 0) await this.#mine((await this.#plan.chain.now()) + BLOCK_SECONDS, sends);
    this.#honestMs += performance.now() - startedAt;
    this.#logBytes = Math.max(this.#logBytes, this.#plan.truth.logBytes);
    return sends.length > 0;
  }

  /** Those rivals whose clock runs out first move in its last second, or are timed out right after it if they are silent. */
  async #rivalsTurn(): Promise<Event | undefined> {
    const { chain, table, isSilent } = this.#plan;
    const waiting: { readonly time: number; readonly duel: Duel }[] = [];
    for (const duel of this.#live()) {
      const [i, j] = [Math.min(duel.honest.n, duel.rival.n), Math.max(duel.honest.n, duel.rival.n)];
      const [, lateAt] = await table.game.deadline(this.#roundId, i, j);
      waiting.push({ time: Number(lateAt) - (isSilent === true && duel.game !== undefined ? 0 : 1), duel });
    }
    if (waiting.length === 0) return undefined;
    const time = Math.min(...waiting.map((one) => one.time));
    const due = waiting.filter((one) => one.time === time);
    return {
      time,
      sends: () => {
        const sends: Send[] = [];
        for (const { duel: { game, rival, honest } } of due) {
          if (game === undefined) {
            if (!this.#opened.has(rival)) sends.push(this.#open(rival));
          } else if (isSilent !== true) sends.push(() => game.answer({ ...CALL, value: chain.terms.moveBondWei }));
          else if (!this.#out.has(rival)) {
            this.#out.add(rival);
            sends.push(() => table.game.connect(honest.signer).timeout(this.#roundId, game.players.earlier.n, game.players.later.n, CALL));
          }
        }
        return sends;
      },
    };
  }

  /** Confirmation, and every call that gives the honest side money. */
  async #collect(openedAt: number): Promise<void> {
    const { chain, table, parent, truth } = this.#plan;
    const { settlement, game } = table;
    const over = openedAt + chain.terms.windowSeconds + chain.terms.joinSeconds;
    const trueClaim = await settlement.claimIdOf(parent, 1, 1, toHex(truth.stateRootAt(truth.length)));
    const players = this.#players;
    const first = players[0]!.signer;
    await this.#mine(Math.max((await chain.now()) + BLOCK_SECONDS, over), [() => settlement.connect(first).confirm(trueClaim, CALL)]);
    const sends: Send[] = [];
    for (const { game: played, honest } of this.#duels) {
      if (played === undefined) continue;
      const { earlier, later } = played.players;
      if ((await game.games(this.#roundId, earlier.n, later.n)).since !== 0n) sends.push(() => game.connect(honest.signer).settle(this.#roundId, earlier.n, later.n, CALL));
    }
    await this.#mine((await chain.now()) + BLOCK_SECONDS, sends);
    const own: Send[] = [];
    for (const player of players) {
      own.push(() => settlement.connect(player.signer).release(this.#roundId, player.n, CALL));
      if (this.#opened.has(player)) own.push(() => game.connect(player.signer).settleOpening(this.#roundId, player.n, CALL));
    }
    await this.#mine((await chain.now()) + BLOCK_SECONDS, own);
    await this.#mine((await chain.now()) + BLOCK_SECONDS, players.map(({ signer }) => () => settlement.connect(signer).withdrawCredit(signer.address, CALL)));
  }

  async #rivalsLoss(): Promise<bigint> {
    const { chain, table } = this.#plan;
    let lossWei = 0n;
    for (const { signer } of this.#rivals) {
      lossWei += RICH_WEI - (await chain.connection.ethers.provider.getBalance(signer.address)) - (await table.settlement.credit(signer.address));
    }
    return lossWei;
  }

  #live(): Duel[] {
    return this.#duels.filter(({ rival }) => !this.#out.has(rival));
  }

  #open(player: Player): Send {
    const { table } = this.#plan;
    this.#opened.add(player);
    return async () => {
      const value = await table.game.openingBond(this.#roundId, player.n);
      return await table.game.connect(player.signer).open(this.#roundId, player.n, statesOf(player.oracle, 0, player.oracle.length, table.k), { ...CALL, value });
    };
  }

  async #stranger(i: number): Promise<HardhatEthersSigner> {
    const { ethers, networkHelpers } = this.#plan.chain.connection;
    const signer = await ethers.getImpersonatedSigner(dataSlice(keccak256(toUtf8Bytes(`rival ${i}`)), 12));
    await networkHelpers.setBalance(signer.address, RICH_WEI);
    return signer;
  }

  /** One block at this time with all of these calls; every one must take effect. */
  async #mine(time: number, sends: readonly Send[]): Promise<void> {
    const { ethers } = this.#plan.chain.connection;
    await ethers.provider.send("evm_setAutomine", [false]);
    const sent: ContractTransactionResponse[] = [];
    for (const send of sends) sent.push(await send());
    await this.#plan.chain.setNextTime(time);
    await ethers.provider.send("evm_mine", []);
    await ethers.provider.send("evm_setAutomine", [true]);
    for (const { hash, from } of sent) {
      const receipt = await ethers.provider.getTransactionReceipt(hash);
      if (receipt?.status !== 1) throw new Error(`a call in the block at ${time} took no effect: ${hash}`);
      this.#gasWei.set(from, (this.#gasWei.get(from) ?? 0n) + receipt.fee);
    }
    this.#transactions += sent.length;
  }
}

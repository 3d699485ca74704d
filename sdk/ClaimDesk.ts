import { isError } from "ethers";
import type { ContractTransactionReceipt, ContractTransactionResponse, Signer } from "ethers";

import { connectAccountContracts, ROOT_ABIS } from "../chain/connectContracts.ts";
import type { AccountContracts } from "../chain/connectContracts.ts";
import { toChainError } from "../chain/decodeRevert.ts";
import type { Agnt2Client } from "./Agnt2Client.ts";
import type { Json } from "./HttpService.ts";
import { SdkError, sdkError } from "./SdkError.ts";
import { asJson, listField, numberField, textField } from "./state.ts";
import { withGasMargin } from "./withGasMargin.ts";

/** How long a transaction may wait to be mined. */
const MINED_MS = 180_000;
const PAGE = 500;

/** The round under a parent claim. Times in unix seconds of L1. */
export interface RoundOnL1 {
  /** The try to decide the epoch, from 1; one more than the last when all claims of that one fell. */
  readonly number: number;
  /** Rivals can be made until then; undefined while nobody has claimed anything. */
  readonly rivalsUntil: number | undefined;
  /** Claims can be backed until then, and with rivals none is confirmed before. */
  readonly backedUntil: number | undefined;
  readonly liveClaims: number;
  readonly entries: number;
  /** What the next entry costs. */
  readonly bondWei: bigint;
}

/** A claim that is made or backed, and the bond behind it. */
export interface EntryResult {
  readonly claimId: string;
  readonly roundId: string;
  /** Number of the entry in its round. */
  readonly n: number;
  readonly bondWei: bigint;
  readonly transactionHash: string;
}

/** Claims by hand: what a person needs to see that the true state is confirmed. Which state is true, a replica says: use one's own. */
export class ClaimDesk {
  readonly #client: Agnt2Client;
  readonly #contracts: AccountContracts;
  readonly #signer: Signer;

  private constructor(client: Agnt2Client, signer: Signer, contracts: AccountContracts) {
    [this.#client, this.#signer, this.#contracts] = [client, signer, contracts];
  }

  /** @param signer an ethers signer with a provider of the chain's L1 */
  static async connect(client: Agnt2Client, signer: Signer): Promise<ClaimDesk> {
    const paying = withGasMargin(signer);
    return new ClaimDesk(client, paying, connectAccountContracts((await client.config()).contracts, paying));
  }

  /** @throws ChainError */
  async round(parentClaim: string): Promise<RoundOnL1> {
    const { settlement } = this.#contracts;
    return this.#read(async () => {
      const [round, number, bondWei, { windowSeconds, joinSeconds }] = await Promise.all([
        settlement.rounds(parentClaim), settlement.currentRound(parentClaim), settlement.bondFor(parentClaim), settlement.config(),
      ]);
      const isOpen = round.number === number && round.openedAt > 0n;
      const rivalsUntil = isOpen ? Number(round.openedAt + windowSeconds) : undefined;
      const backedUntil = rivalsUntil === undefined ? undefined : rivalsUntil + Number(joinSeconds);
      return { number: Number(number), rivalsUntil, backedUntil, liveClaims: isOpen ? Number(round.liveClaims) : 0, entries: isOpen ? Number(round.entryCount) : 0, bondWei };
    });
  }

  /**
   * Claims the replica's state after the first unconfirmed epoch whose true state nobody has claimed.
   * @throws SdkError `SDK_INPUT` when there is none; ChainError (`RoundClosed`, …)
   */
  async claimTruth(): Promise<EntryResult & { readonly epoch: number; readonly stateRoot: string }> {
    const { settlement, inbox } = this.#contracts;
    const confirmed = await this.#read(() => settlement.latestConfirmed());
    let parent = confirmed.claimId;
    for (let epoch = Number(confirmed.nextEpoch); ; epoch += 1) {
      const stateRoot = await this.#trueRoot(epoch);
      const [round, accumulator] = await this.#read(() => Promise.all([settlement.currentRound(parent), inbox.epochAccumulator(epoch)]));
      const claimId = await this.#read(() => settlement.claimIdOf(parent, round, epoch, stateRoot));
      if ((await this.#read(() => settlement.claims(claimId))).live === 0n) {
        const me = await this.#signer.getAddress();
        const entry = await this.#enter(parent, (value) => settlement.claim(parent, round, epoch, stateRoot, accumulator, me, { value }));
        return { ...entry, epoch, stateRoot };
      }
      parent = claimId;
    }
  }

  /** Puts a bond of one's own on a claim. @throws ChainError (`RoundClosed`, `ClaimVoid`, …) */
  async back(claimId: string): Promise<EntryResult> {
    const { settlement } = this.#contracts;
    const { parent } = await this.#read(() => settlement.claims(claimId));
    const me = await this.#signer.getAddress();
    return this.#enter(parent, (value) => settlement.back(claimId, me, { value }));
  }

  /** @throws ChainError (`RoundNotOver`, `LiveRivals`, …) */
  async confirm(claimId: string): Promise<string> {
    return (await this.#send(() => this.#contracts.settlement.confirm(claimId))).hash;
  }

  /** Credits the bond of an entry whose claim is confirmed or void. @throws ChainError (`BondLocked`, …) */
  async release(roundId: string, n: number): Promise<string> {
    return (await this.#send(() => this.#contracts.settlement.release(roundId, n))).hash;
  }

  /** Takes what is credited to the signer. @throws ChainError (`NothingToPay`) */
  async collect(): Promise<{ readonly amountWei: bigint; readonly transactionHash: string }> {
    const { settlement } = this.#contracts;
    const me = await this.#signer.getAddress();
    const amountWei = await this.#read(() => settlement.credit(me));
    return { amountWei, transactionHash: (await this.#send(() => settlement.withdrawCredit(me))).hash };
  }

  async #trueRoot(epoch: number): Promise<string> {
    const [found] = listField(await this.#client.api.get(`/v1/epochs?from=${epoch}&limit=1`), "items");
    const json: Json | undefined = found === undefined ? undefined : asJson(found);
    if (json === undefined || numberField(json, "epoch") !== epoch || json["stateRoot"] === null) {
      throw sdkError("SDK_INPUT", `the true state of every closed epoch is claimed; epoch ${epoch} is not closed, or the replica does not have it yet`, { epoch });
    }
    return textField(json, "stateRoot");
  }

  async #enter(parent: string, send: (valueWei: bigint) => Promise<ContractTransactionResponse>): Promise<EntryResult> {
    const { settlement } = this.#contracts;
    // Somebody may enter just before: what is sent above the bond is credited.
    const bondWei = await this.#read(() => settlement.bondFor(parent));
    const receipt = await this.#send(() => send((bondWei * 17n) / 16n));
    for (const log of receipt.logs) {
      const parsed = settlement.interface.parseLog(log);
      if (parsed?.name !== "Entered") continue;
      const { roundId, n, claimId, bondWei: paidWei } = parsed.args.toObject() as { roundId: string; n: bigint; claimId: string; bondWei: bigint };
      return { claimId, roundId, n: Number(n), bondWei: paidWei, transactionHash: receipt.hash };
    }
    throw sdkError("SDK_RESPONSE", `the transaction ${receipt.hash} has no Entered event`);
  }

  async #read<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw error instanceof SdkError ? error : toChainError(error, ROOT_ABIS);
    }
  }

  async #send(send: () => Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
    return this.#read(async () => {
      const sent = await send();
      const receipt = await sent.wait(1, MINED_MS).catch((error: unknown) => (isError(error, "TIMEOUT") ? null : Promise.reject(error as Error)));
      if (receipt === null) throw sdkError("SDK_TIMEOUT", `the transaction ${sent.hash} is not mined after ${MINED_MS / 1000} s; it may still be`, { transactionHash: sent.hash });
      return receipt;
    });
  }
}

/** All claims that a replica knows, in the order in which they were made. */
export async function listClaims(client: Agnt2Client): Promise<Json[]> {
  const claims: Json[] = [];
  for (let from: unknown = 0; from !== undefined; ) {
    const page = await client.api.get(`/v1/claims?from=${Number(from)}&limit=${PAGE}`);
    claims.push(...listField(page, "items").map(asJson));
    from = page["next"];
  }
  return claims;
}

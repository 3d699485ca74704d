import { Interface } from "ethers";

import { settlementAbi } from "../../../chain/generated/abi/Settlement.ts";
import { inboxAbi } from "../../../chain/generated/abi/Inbox.ts";
import { nextTryId } from "../../../chain/transactions/nextTryId.ts";
import type { TransactionManager } from "../../../chain/transactions/TransactionManager.ts";
import { atHead } from "./atHead.ts";
import { decideClaims } from "./decideClaims.ts";
import type { ClaimAction, ClaimAlarm, ClaimState } from "./decideClaims.ts";
import { claimIntentId, closeIntentId, confirmIntentId, creditIntentId, releaseIntentId } from "./intentIds.ts";
import { readClaimState } from "./readClaimState.ts";
import type { ClaimSources, ClaimRules } from "./readClaimState.ts";

const settlement = new Interface(settlementAbi);
const inbox = new Interface(inboxAbi);

/** Offered for calls that depend on the next block's time, which an estimate on an idle chain gets wrong. */
const TIMED_CALL_GAS = 300_000n;

export interface ClaimProposerOptions extends ClaimSources {
  readonly settlementAddress: string;
  /** May move for the claiming account in games. */
  readonly mover: string;
  readonly manager: Pick<TransactionManager, "submit" | "find">;
  /** Told in every turn while it lasts. */
  readonly onAlarm: (alarm: ClaimAlarm) => void;
}

/** Claims every closed epoch, confirms what is ripe, takes bonds back, and closes epochs that nobody else closes. */
export class ClaimProposer {
  readonly #options: ClaimProposerOptions;
  #rules: ClaimRules | undefined;
  #sweptEpoch = -1;
  #state: ClaimState | undefined;
  #seenAlarms = "";

  constructor(options: ClaimProposerOptions) {
    this.#options = options;
  }

  /** As of the last turn. */
  get state(): ClaimState | undefined {
    return this.#state;
  }

  /**
   * Reads, decides and acts once.
   * @throws L1SideError `l1/false-root`; ChainError
   */
  async turn(): Promise<readonly ClaimAction[]> {
    const options = this.#options;
    this.#rules ??= await this.#readRules();
    const rules = this.#rules;
    let headNumber = 0;
    const state = await atHead(options.provider, (head) => {
      headNumber = head.number;
      return readClaimState(options, rules, this.#sweptEpoch, head);
    });
    this.#state = state;
    const actions = decideClaims(state, options.limits);
    const alarms = JSON.stringify(actions.filter(({ type }) => type === "alarm"));
    // Seen twice: a node that takes in a block may answer one call from before it and the next from after it.
    const isCertain = alarms === this.#seenAlarms;
    this.#seenAlarms = alarms;
    for (const action of actions) if (isCertain || action.type !== "alarm") await this.#perform(action, headNumber);
    // A claim without our bond was never ours or is paid; a reorganisation makes the manager pay it again by itself.
    if (state.releasable.length === 0) this.#sweptEpoch = state.confirmed.nextEpoch - 1;
    return actions;
  }

  async #readRules(): Promise<ClaimRules> {
    const { inbox: inboxContract, settlement: settlementContract } = this.#options.contracts;
    const [{ epochSteps, epochAgeSeconds }, { windowSeconds, joinSeconds }] = await Promise.all([inboxContract.config(), settlementContract.config()]);
    return { maxSteps: Number(epochSteps), ageSeconds: Number(epochAgeSeconds), windowSeconds: Number(windowSeconds), joinSeconds: Number(joinSeconds) };
  }

  async #perform(action: ClaimAction, headNumber: number): Promise<void> {
    const { address, mover, settlementAddress, inboxAddress, onAlarm } = this.#options;
    switch (action.type) {
      case "stop":
        throw action.error;
      case "alarm":
        return onAlarm(action.alarm);
      case "claim": {
        const data = settlement.encodeFunctionData("claim", [action.parent, action.round, action.epoch, action.root, action.accumulator, mover]);
        return await this.#ask(claimIntentId(action.claimId, action.accumulator), settlementAddress, data, headNumber, { valueWei: action.priceWei });
      }
      case "confirm": {
        const data = settlement.encodeFunctionData("confirm", [action.claimId]);
        return await this.#ask(confirmIntentId(action.claimId), settlementAddress, data, headNumber, { gasLimit: TIMED_CALL_GAS });
      }
      case "release": {
        const data = settlement.encodeFunctionData("release", [action.roundId, action.n]);
        return await this.#ask(releaseIntentId(action.roundId, action.n), settlementAddress, data, headNumber, {});
      }
      case "credit": {
        const data = settlement.encodeFunctionData("withdrawCredit", [address]);
        return await this.#ask(creditIntentId(action.nextEpoch), settlementAddress, data, headNumber, {});
      }
      case "close":
        return await this.#ask(closeIntentId(action.epoch), inboxAddress, inbox.encodeFunctionData("closeEpoch"), headNumber, { gasLimit: TIMED_CALL_GAS });
    }
  }

  async #ask(base: string, to: string, data: string, headNumber: number, more: { valueWei?: bigint; gasLimit?: bigint }): Promise<void> {
    const { manager } = this.#options;
    const id = nextTryId(base, (intentId) => manager.find(intentId), headNumber);
    if (id === undefined) return;
    const { valueWei = 0n, gasLimit } = more;
    await manager.submit({ id, to, data, valueWei, ...(gasLimit === undefined ? {} : { gasLimit }) });
  }
}

import { baseDigest, channelIdOf, grantDigest, voucherDigest } from "../../core/channel/index.ts";
import type { Side } from "../../core/channel/index.ts";
import { toHex } from "../../core/codec/hex.ts";
import type { PartySignature, SignedVoucher } from "../channels/SignedState.ts";
import { TowerStateError } from "./TowerStateError.ts";
import { otherSide } from "./TowerState.ts";
import type { TowerState } from "./TowerState.ts";

/** The signer's address of a digest, 20 bytes; null for what is no signature. */
export type RecoverAddress = (digest32: Uint8Array, signature64: Uint8Array) => Uint8Array | null;

/** A grant that counts only if it stands in the adjudicator's register. */
export interface NeededGrant {
  readonly party: Uint8Array;
  readonly key: Uint8Array;
  readonly cap: number;
  readonly expiry: number;
}

export interface CheckedState {
  readonly channelId: Uint8Array;
  /** Last L1 second at which all of it counts; Infinity when no grant ends. */
  readonly validUntil: number;
  readonly neededGrants: readonly NeededGrant[];
}

function isSame(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && a.every((byte, i) => byte === b[i]);
}

/** Signatures of one channel as the adjudicator looks at them, but for the time and the register, which it gathers. */
export class PartyCheck {
  readonly #state: Pick<TowerState, "config">;
  readonly #channelId: Uint8Array;
  readonly #separator: Uint8Array;
  readonly #recover: RecoverAddress;
  validUntil = Infinity;
  readonly neededGrants: NeededGrant[] = [];

  constructor(state: Pick<TowerState, "config">, channelId: Uint8Array, separator: Uint8Array, recover: RecoverAddress) {
    [this.#state, this.#channelId, this.#separator, this.#recover] = [state, channelId, separator, recover];
  }

  /**
   * @param total what the party has paid by it, open locks included
   * @throws TowerStateError `tower/signature`, `tower/grant-cap`
   */
  require(side: Side, digest: Uint8Array, { signature, grant }: PartySignature, total: number, what: string): void {
    const party = side === 0 ? this.#state.config.partyA : this.#state.config.partyB;
    const signer = this.#recover(digest, signature);
    if (isSame(signer, grant?.key ?? party) === false) throw new TowerStateError("tower/signature", `The signature of ${what} is not of ${toHex(grant?.key ?? party)}.`);
    if (grant === undefined) return;
    if (total > grant.cap) throw new TowerStateError("tower/grant-cap", `The key that signed ${what} may sign for ${grant.cap} units, not for ${total}.`);
    const { key, cap, expiry } = grant;
    if (grant.signature.length === 0) this.neededGrants.push({ party, key, cap, expiry });
    else if (!isSame(this.#recover(grantDigest(this.#separator, this.#channelId, grant), grant.signature), party)) {
      throw new TowerStateError("tower/signature", `The grant of the key that signed ${what} is not of ${toHex(party)}.`);
    }
    this.validUntil = Math.min(this.validUntil, expiry);
  }
}

function totalOf({ paid, locks }: SignedVoucher): number {
  return locks.reduce((sum, { amount }) => sum + amount, paid);
}

/**
 * Whether an adjudicator would take the state against any lower one: the same rules, but for what only the chain knows.
 * @param separator of the channels' domain
 * @throws TowerStateError `tower/state`, `tower/signature`, `tower/grant-cap`
 */
export function checkTowerState(state: TowerState, separator: Uint8Array, recover: RecoverAddress): CheckedState {
  const { config, side, base, voucher } = state;
  const endorsement = voucher?.endorsement;
  const refuse = (why: string): never => {
    throw new TowerStateError("tower/state", why);
  };
  const payer = otherSide(side);
  const basePaid = (payer === 0 ? base?.paidByA : base?.paidByB) ?? 0;
  if (base === undefined && voucher === undefined) refuse("There is neither a base nor a voucher.");
  if (base?.version === 0) refuse("Version 0 is the state of a new channel and is not signed.");
  if (base !== undefined && config.flags === 1 && base.paidByB !== 0) refuse("In a one-way channel B pays nothing.");
  if (voucher !== undefined) {
    if (endorsement === undefined && voucher.locks.length > 0) refuse("A voucher with locks counts only with its payee's endorsement.");
    if (voucher.version !== (base?.version ?? 0)) refuse(`The voucher is of version ${voucher.version}, the base of ${base?.version ?? 0}.`);
    if (voucher.sequence === 0) refuse("A voucher's sequence begins at 1.");
    if (voucher.paid < basePaid) refuse(`The voucher pays ${voucher.paid}, less than its base of ${basePaid}.`);
    if (config.flags === 1 && payer === 1) refuse("In a one-way channel B signs no voucher.");
    if (config.home === 1 && voucher.locks.length > 0) refuse("A channel in Layer Core takes no locks.");
    if (!Number.isSafeInteger(totalOf(voucher))) refuse("The locks go beyond the largest amount.");
  }
  const channelId = channelIdOf(config);
  const check = new PartyCheck(state, channelId, separator, recover);
  if (base !== undefined) {
    const digest = baseDigest(separator, channelId, base);
    check.require(0, digest, base.signatures[0], base.paidByA, "the base by A");
    check.require(1, digest, base.signatures[1], base.paidByB, "the base by B");
  }
  if (voucher !== undefined) {
    const digest = voucherDigest(separator, channelId, voucher);
    check.require(payer, digest, voucher.by, totalOf(voucher), "the voucher");
    // It pays nothing for who signs: no cap is in its way.
    if (endorsement !== undefined) check.require(side, digest, endorsement, 0, "the endorsement");
  }
  return { channelId, validUntil: check.validUntil, neededGrants: check.neededGrants };
}

import { checkTowerState, PartyCheck } from "../../../chain/tower/checkTowerState.ts";
import type { NeededGrant } from "../../../chain/tower/checkTowerState.ts";
import { sealDigest, towerDomainSeparator, watchDigest } from "../../../chain/tower/towerDigests.ts";
import { readPartySignature, readTowerState, writeReceipt, writeTowerState } from "../../../chain/tower/towerJson.ts";
import { rankOf } from "../../../chain/tower/TowerState.ts";
import type { TowerDomain, TowerReceipt, TowerState } from "../../../chain/tower/TowerState.ts";
import { channelDomainSeparator, channelIdOf } from "../../../core/channel/index.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { keccak256 } from "../../../core/hash/index.ts";
import { recoverAddress } from "../../../runtime/crypto/secp.ts";
import type { ChannelMark } from "../decide/Dispute.ts";
import { CHANNEL_STATUS } from "../decide/Dispute.ts";
import { NO_END } from "../store/TowerStore.ts";
import type { TowerStore, Watched } from "../store/TowerStore.ts";
import { toTowerError, TowerError } from "../TowerError.ts";
import type { ReceiptSigner } from "./ReceiptSigner.ts";

export interface IntakeRules {
  /** How long a promise is. */
  readonly mandateSeconds: number;
  readonly minWindowSeconds: number;
  /** In Layer Core: forced inclusion, the lag of its time, and the time of an answer have to fit. */
  readonly minCoreWindowSeconds: number;
  /** What both sides must have in a channel, in base units of ETH; other assets are not compared. */
  readonly minHeldWei: bigint;
  readonly takesCore: boolean;
  /** States whose signatures are looked at at once. */
  readonly maxBusy: number;
  readonly maxSealedBytes: number;
}

export interface IntakeOptions {
  readonly domain: TowerDomain;
  readonly store: TowerStore;
  readonly signer: ReceiptSigner;
  readonly rules: IntakeRules;
  /** L1 time of the last look; undefined while L1 is not seen. */
  readonly now: () => number | undefined;
  readonly markOf: (channelId: string, home: number) => Promise<ChannelMark>;
  readonly isGrantRegistered: (channelId: Uint8Array, grant: NeededGrant) => Promise<boolean>;
  /** A state came for a channel whose close is under way, or might be. */
  readonly onState: (channelId: string) => void;
}

/** What a client gets for a state. */
export interface ReceiptJson {
  readonly receipt: ReturnType<typeof writeReceipt>;
  readonly signature: string;
}

const HOME_CORE = 1;

function fieldsOf(value: unknown, names: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TowerError("tower/body", { problem: "It is no object." });
  for (const name of names) if (!Object.hasOwn(value, name)) throw new TowerError("tower/body", { problem: `${name} is missing.` });
  if (Object.keys(value).length !== names.length) throw new TowerError("tower/body", { problem: "It has unknown fields." });
  return value as Record<string, unknown>;
}

function hexField(value: unknown, name: string, bytes?: number): Uint8Array {
  const isHex = typeof value === "string" && /^0x(?:[0-9a-fA-F]{2})*$/.test(value) && (bytes === undefined || value.length === 2 + 2 * bytes);
  if (!isHex) throw new TowerError("tower/body", { problem: `${name} is not 0x-hexadecimal text${bytes === undefined ? "" : ` of ${bytes} bytes`}.` });
  return fromHex(value);
}

/** Takes states, the cheap checks first; a receipt is signed when the state is on disk, and never for what could not be handed in. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #channels: Uint8Array;
  readonly #tower: Uint8Array;
  #busy = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#channels = channelDomainSeparator(options.domain);
    this.#tower = towerDomainSeparator(options.domain);
  }

  /**
   * A state in clear: `{chainId, adjudicator, towerBond, state, by}`, where `by` is the side's own signature, or its key's, over Watch.
   * @throws TowerError
   */
  submit(body: unknown): Promise<ReceiptJson> {
    return this.#guarded(async () => {
      const { chainId, adjudicator, towerBond, ...rest } = fieldsOf(body, ["chainId", "adjudicator", "towerBond", "state", "by"]);
      this.#checkDomain(chainId, adjudicator, towerBond);
      const state = readTowerState(rest["state"]);
      const now = this.#now();
      this.#checkConfig(state);
      const watched = this.#check(state, rest["by"], now);
      const channelId = fromHex(watched.channelId);
      for (const grant of watched.neededGrants) {
        if (!(await this.#options.isGrantRegistered(channelId, grant))) throw new TowerError("tower/grant-unknown", { key: toHex(grant.key) });
      }
      if (this.#options.store.find(watched.channelId, state.side) === undefined) await this.#checkChannel(state, watched.channelId);
      const { neededGrants: _checked, ...entry } = watched;
      await this.#options.store.putWatched(entry);
      this.#options.onState(watched.channelId);
      const { version, sequence, paid, until } = entry;
      const receipt: TowerReceipt = { channelId, side: state.side, version, sequence, paid, from: now, until };
      return { receipt: writeReceipt(receipt), signature: toHex(await this.#options.signer.signReceipt(receipt))};
    });
  }

  /**
   * A body that only the close opens: `{chainId, adjudicator, towerBond, locator, body, until, signature}`; the key that signed Seal may replace it.
   * @throws TowerError
   */
  seal(body: unknown): Promise<{ readonly locator: string; readonly bodyHash: string; readonly until: number; readonly signature: string }> {
    return this.#guarded(async () => {
      const fields = fieldsOf(body, ["chainId", "adjudicator", "towerBond", "locator", "body", "until", "signature"]);
      this.#checkDomain(fields["chainId"], fields["adjudicator"], fields["towerBond"]);
      const { rules, store, signer } = this.#options;
      const now = this.#now();
      const locator = hexField(fields["locator"], "locator", 16);
      const sealed = hexField(fields["body"], "body");
      if (sealed.length > rules.maxSealedBytes) throw new TowerError("tower/too-large", { limitBytes: rules.maxSealedBytes });
      const wanted = fields["until"];
      if (typeof wanted !== "number" || !Number.isSafeInteger(wanted) || wanted <= now) throw new TowerError("tower/body", { problem: "until is no time to come." });
      const ref = { locator, bodyHash: keccak256(sealed), until: wanted };
      const owner = recoverAddress(sealDigest(this.#tower, ref), hexField(fields["signature"], "signature", 64));
      if (owner === null) throw new TowerError("tower/signature", { problem: "The signature of the sealed body recovers nobody." });
      const kept = { ...ref, until: Math.min(wanted, now + rules.mandateSeconds) };
      await store.putSealed({ locator: toHex(locator), owner: toHex(owner), until: kept.until, body: sealed });
      return { locator: toHex(locator), bodyHash: toHex(ref.bodyHash), until: kept.until, signature: toHex(await signer.signSealedReceipt(kept)) };
    });
  }

  /** Whether a state of a sealed body could be handed in; what counts is the chain's word in the end. @throws TowerError, TowerStateError */
  checkSealed(state: TowerState): { readonly validUntil: number } {
    const { validUntil } = checkTowerState(state, this.#channels, recoverAddress);
    return { validUntil: Math.min(validUntil, NO_END) };
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy >= this.#options.rules.maxBusy) throw new TowerError("tower/busy", {});
    this.#busy += 1;
    try {
      return await work();
    } catch (error) {
      throw toTowerError(error);
    } finally {
      this.#busy -= 1;
    }
  }

  #now(): number {
    const now = this.#options.now();
    if (now === undefined) throw new TowerError("tower/not-ready", {});
    return now;
  }

  #checkDomain(chainId: unknown, adjudicator: unknown, towerBond: unknown): void {
    const { domain } = this.#options;
    const isSame = (given: unknown, expected: Uint8Array): boolean => typeof given === "string" && given.toLowerCase() === toHex(expected);
    if (chainId === domain.chainId && isSame(adjudicator, domain.adjudicator) && isSame(towerBond, domain.towerBond)) return;
    throw new TowerError("tower/wrong-chain", {
      expectedChainId: domain.chainId,
      expectedAdjudicator: toHex(domain.adjudicator),
      expectedTowerBond: toHex(domain.towerBond),
    });
  }

  #checkConfig({ config: { home, windowSeconds } }: TowerState): void {
    const { takesCore, mandateSeconds, minWindowSeconds, minCoreWindowSeconds } = this.#options.rules;
    const minSeconds = home === HOME_CORE ? minCoreWindowSeconds : minWindowSeconds;
    if (home === HOME_CORE && !takesCore) throw new TowerError("tower/home", { home });
    const maxSeconds = Math.floor(mandateSeconds / 4);
    if (windowSeconds < minSeconds || windowSeconds > maxSeconds) throw new TowerError("tower/window", { windowSeconds, minSeconds, maxSeconds });
  }

  /** Rank against what is kept, then every signature. */
  #check(state: TowerState, by: unknown, now: number): Watched & { readonly neededGrants: readonly NeededGrant[] } {
    const { config, side, base } = state;
    const rank = rankOf(state);
    const wish = readPartySignature(by);
    const ref = {
      ...rank,
      channelId: toHex(channelIdOf(config)),
      side,
      home: config.home,
      basePaidA: base?.paidByA ?? 0,
      basePaidB: base?.paidByB ?? 0,
      isEndorsed: state.voucher?.endorsement === undefined ? 0 : 1,
      validUntil: NO_END,
      until: now + this.#options.rules.mandateSeconds,
    };
    this.#options.store.requireNewer(ref);
    const checked = checkTowerState(state, this.#channels, recoverAddress);
    const own = new PartyCheck(state, checked.channelId, this.#channels, recoverAddress);
    own.require(side, watchDigest(this.#tower, { ...rank, channelId: checked.channelId, side }), wish, 0, "the wish to be watched");
    if (own.validUntil < now) throw new TowerError("tower/grant-short", { validUntil: own.validUntil, neededUntil: now });
    const neededUntil = now + 2 * config.windowSeconds;
    if (checked.validUntil < neededUntil) throw new TowerError("tower/grant-short", { validUntil: checked.validUntil, neededUntil });
    const validUntil = Math.min(checked.validUntil, NO_END);
    const until = Math.min(ref.until, validUntil);
    return { ...ref, validUntil, until, body: JSON.stringify(writeTowerState(state)), neededGrants: [...checked.neededGrants, ...own.neededGrants] };
  }

  async #checkChannel({ config }: TowerState, channelId: string): Promise<void> {
    const { markOf, rules } = this.#options;
    const mark = await markOf(channelId, config.home);
    if (mark.status !== CHANNEL_STATUS.OPEN) throw new TowerError("tower/not-open", { channelId, status: mark.status });
    const heldUnits = mark.net[0] + mark.net[1];
    const isEth = config.asset.every((byte) => byte === 0);
    if (heldUnits <= 0 || (isEth && config.home === 0 && BigInt(heldUnits) * BigInt(config.unit) < rules.minHeldWei)) throw new TowerError("tower/too-small", { heldUnits });
  }
}

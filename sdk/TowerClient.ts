import { getBytes, hexlify, recoverAddress, Signature } from "ethers";
import type { Provider } from "ethers";

import type { PartySignature } from "../chain/channels/SignedState.ts";
import { connectTowerBond } from "../chain/tower/connectTowerBond.ts";
import { locatorOf, sealState } from "../chain/tower/sealState.ts";
import { receiptDigest, sealDigest, sealedReceiptDigest, towerDomainSeparator, watchDigest } from "../chain/tower/towerDigests.ts";
import { readReceipt, writePartySignature, writeTowerState } from "../chain/tower/towerJson.ts";
import { TowerStateError } from "../chain/tower/TowerStateError.ts";
import { rankOf } from "../chain/tower/TowerState.ts";
import type { TowerDomain, TowerReceipt, TowerState } from "../chain/tower/TowerState.ts";
import { channelIdOf } from "../core/channel/index.ts";
import { fromHex, toHex } from "../core/codec/hex.ts";
import { keccak256 } from "../core/hash/index.ts";
import { HttpService } from "./HttpService.ts";
import type { HttpOptions } from "./HttpService.ts";
import { sdkError } from "./SdkError.ts";

/** A tower's promise with its signature: what `TowerBond.slash` takes. */
export interface SignedReceipt {
  readonly receipt: TowerReceipt;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** What stands behind a tower, read on L1. Times in seconds. */
export interface TowerBacking {
  readonly signer: string;
  readonly amountWei: bigint;
  readonly maxMandateSeconds: number;
  readonly unbondingSeconds: number;
  /** L1 time at which it can leave; 0 while it has not asked. */
  readonly payableAt: number;
}

export interface TowerClientOptions extends HttpOptions {
  readonly url: string;
  readonly domain: TowerDomain;
  /** Account that holds the tower's bond. */
  readonly tower: string;
  /** Reads the bond; without one the tower's word is all there is. */
  readonly provider?: Provider;
  /** Less than this is no bond worth the name. Default: one wei. */
  readonly minBondWei?: bigint;
  /** Signs a digest as a side of the channel: its principal or a granted key. */
  readonly sign: (digest32: Uint8Array, side: 0 | 1) => Promise<PartySignature>;
  /** Keeps a receipt before `submit` resolves: it is what the tower can be slashed with. */
  readonly keep?: (signed: SignedReceipt, state: TowerState) => Promise<void>;
}

/** A bond is taken as it was read for this long. */
const BACKING_MS = 60_000;
/** Locks let a close wait for four windows after its deadline, which is at most one and a half after its begin. */
const WINDOWS_TO_PROVE = 6;
const DAY_SECONDS = 86_400;

/** Hands the states of channels to one watchtower, and believes it only what is signed and bonded. */
export class TowerClient {
  readonly #options: TowerClientOptions;
  readonly #http: HttpService;
  readonly #separator: Uint8Array;
  #backing: { readonly value: TowerBacking; readonly readAtMs: number } | undefined;

  constructor(options: TowerClientOptions) {
    this.#options = options;
    this.#http = new HttpService(options.url, options);
    this.#separator = towerDomainSeparator(options.domain);
  }

  get url(): string {
    return this.#http.url;
  }

  /** What the tower says of itself. @throws SdkError */
  async info(): Promise<Readonly<Record<string, unknown>>> {
    return await this.#http.get("/v1/info");
  }

  /**
   * The bond behind the tower; undefined without a provider.
   * @throws SdkError `SDK_UNTRUSTED` when it has none, too little, or is leaving
   */
  async backing(): Promise<TowerBacking | undefined> {
    const { provider, domain, tower, minBondWei = 1n } = this.#options;
    if (provider === undefined) return undefined;
    const kept = this.#backing;
    if (kept !== undefined && Date.now() - kept.readAtMs < BACKING_MS) return kept.value;
    const contract = connectTowerBond(toHex(domain.towerBond), provider);
    const [bond, adjudicator, maxMandate, unbonding] = await Promise.all([contract.bondOf(tower), contract.adjudicator(), contract.maxMandateSeconds(), contract.unbondingSeconds()]);
    const untrusted = (why: string): Error => sdkError("SDK_UNTRUSTED", why, { tower });
    if (adjudicator.toLowerCase() !== toHex(domain.adjudicator)) throw untrusted("its bonds are of another adjudicator");
    if (bond.amountWei < minBondWei) throw untrusted(`the tower's bond of ${bond.amountWei} wei is below ${minBondWei}`);
    if (bond.payableAt !== 0n) throw untrusted("the tower is leaving");
    const value = { signer: bond.signer, amountWei: bond.amountWei, maxMandateSeconds: Number(maxMandate), unbondingSeconds: Number(unbonding), payableAt: Number(bond.payableAt) };
    this.#backing = { value, readAtMs: Date.now() };
    return value;
  }

  /**
   * Hands a state in and checks what comes back: the receipt is for this very state, signed by the tower, and its bond outlasts it.
   * @throws SdkError the tower's own code (`tower/…`), `SDK_UNTRUSTED`, `SDK_BAD_SIGNATURE`, `SDK_RESPONSE`, `SDK_UNREACHABLE`
   */
  async submit(state: TowerState): Promise<SignedReceipt> {
    const { sign, keep } = this.#options;
    const backing = await this.backing();
    const channelId = channelIdOf(state.config);
    const by = await sign(watchDigest(this.#separator, { ...rankOf(state), channelId, side: state.side }), state.side);
    const answer = await this.#http.postJson("/v1/states", { ...this.#domain(), state: writeTowerState(state), by: writePartySignature(by) });
    const signed = this.#read(answer, state, channelId, backing);
    await keep?.(signed, state);
    return signed;
  }

  /**
   * Leaves a state that the tower can read only when the channel is closed with `version` recorded: the answer to that close. Nobody
   * can be slashed for it.
   * @param sign any key; the same one may replace the body
   * @returns L1 time until which it is kept
   */
  async seal(state: TowerState, version: number, until: number, sign: (digest32: Uint8Array) => Promise<Uint8Array>): Promise<number> {
    const channelId = channelIdOf(state.config);
    const body = await sealState(state, channelId, version);
    const ref = { locator: locatorOf(channelId, version), bodyHash: keccak256(body), until };
    const signature = await sign(sealDigest(this.#separator, ref));
    const answer = await this.#http.postJson("/v1/sealed", { ...this.#domain(), locator: toHex(ref.locator), body: toHex(body), until, signature: toHex(signature) });
    const kept = Number(answer["until"]);
    const backing = await this.backing();
    if (backing !== undefined) this.#requireSigned(sealedReceiptDigest(this.#separator, { ...ref, until: kept }), this.#signatureOf(answer), backing.signer);
    return kept;
  }

  #domain(): Record<string, unknown> {
    const { chainId, adjudicator, towerBond } = this.#options.domain;
    return { chainId, adjudicator: toHex(adjudicator), towerBond: toHex(towerBond) };
  }

  #signatureOf(answer: Readonly<Record<string, unknown>>): Uint8Array {
    const text = answer["signature"];
    if (typeof text !== "string" || !/^0x[0-9a-f]{128}$/i.test(text)) throw sdkError("SDK_RESPONSE", "the tower's answer has no signature", { url: this.url });
    return fromHex(text);
  }

  #requireSigned(digest: Uint8Array, signature: Uint8Array, signer: string): void {
    let recovered = "";
    try {
      recovered = recoverAddress(hexlify(digest), Signature.from(hexlify(signature)));
    } catch (error) {
      throw sdkError("SDK_BAD_SIGNATURE", "the tower's signature is none", { url: this.url }, error);
    }
    if (recovered.toLowerCase() !== signer.toLowerCase()) throw sdkError("SDK_BAD_SIGNATURE", `the tower's receipt is signed by ${recovered}, not by ${signer}`, { url: this.url });
  }

  #read(answer: Readonly<Record<string, unknown>>, state: TowerState, channelId: Uint8Array, backing: TowerBacking | undefined): SignedReceipt {
    const wrong = (why: string, cause?: unknown): Error => sdkError("SDK_RESPONSE", `the tower's receipt ${why}`, { url: this.url }, cause);
    let receipt: TowerReceipt;
    try {
      receipt = readReceipt(answer["receipt"]);
    } catch (error) {
      if (!(error instanceof TowerStateError)) throw error;
      throw wrong("cannot be read", error);
    }
    const signature = this.#signatureOf(answer);
    const { version, sequence, paid } = rankOf(state);
    const isSame = receipt.side === state.side && receipt.version === version && receipt.sequence === sequence && receipt.paid === paid;
    if (!isSame || toHex(receipt.channelId) !== toHex(channelId)) throw wrong("is for another state");
    if (receipt.until < receipt.from + state.config.windowSeconds) throw wrong("ends before a window does");
    if (backing !== undefined) {
      const length = receipt.until - receipt.from;
      if (length > backing.maxMandateSeconds) throw wrong("promises for longer than any may");
      if (backing.unbondingSeconds < length + WINDOWS_TO_PROVE * state.config.windowSeconds + DAY_SECONDS) throw wrong("can outlast the tower's bond");
      this.#requireSigned(receiptDigest(this.#separator, receipt), signature, backing.signer);
    }
    return { receipt, signature };
  }
}

/** 64 bytes of any signature that ethers reads. */
export function compactSignature(signature: string): Uint8Array {
  return getBytes(Signature.from(signature).compactSerialized);
}

import { Wallet, getBytes, id } from "ethers";

import type { PartySignature, SignedBase, SignedGrant, SignedVoucher } from "../../chain/channels/SignedState.ts";
import { towerDomainSeparator, watchDigest } from "../../chain/tower/towerDigests.ts";
import type { TowerDomain, TowerState } from "../../chain/tower/TowerState.ts";
import { otherSide, rankOf } from "../../chain/tower/TowerState.ts";
import { writePartySignature, writeTowerState } from "../../chain/tower/towerJson.ts";
import { baseDigest, channelDomainSeparator, channelIdOf, grantDigest, locksHashOf, voucherDigest } from "../../core/channel/index.ts";
import type { ChannelConfig, Lock, Side } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { signDigest } from "../../runtime/crypto/secp.ts";

export interface TestKey {
  readonly key: Uint8Array;
  readonly address: Uint8Array;
  readonly wallet: Wallet;
}

const known = new Map<string, TestKey>();

/** A key of a test by its name; worthless. */
export function testKey(name: string): TestKey {
  const made = known.get(name);
  if (made !== undefined) return made;
  const wallet = new Wallet(id(name));
  const key = { key: getBytes(wallet.privateKey), address: fromHex(wallet.address), wallet };
  known.set(name, key);
  return key;
}

export interface VoucherWish {
  readonly version?: number;
  readonly sequence: number;
  readonly paid: number;
  readonly locks?: readonly Lock[];
  /** A session key signs, by name. */
  readonly grant?: SignedGrant & { readonly name: string };
}

/** A channel of two test keys, and everything that they sign. */
export class TowerChannel {
  readonly config: ChannelConfig;
  readonly id: Uint8Array;
  readonly idText: string;
  readonly parties: readonly [TestKey, TestKey];
  readonly domain: TowerDomain;
  readonly #separator: Uint8Array;

  constructor(domain: TowerDomain, name: string, config: Partial<ChannelConfig> = {}) {
    this.domain = domain;
    this.parties = [testKey(`${name} A`), testKey(`${name} B`)];
    this.config = { home: 0, partyA: this.parties[0].address, partyB: this.parties[1].address, asset: new Uint8Array(20), unit: 1_000_000_000, windowSeconds: 1_000, flags: 0, salt: 1, ...config };
    this.id = channelIdOf(this.config);
    this.idText = toHex(this.id);
    this.#separator = channelDomainSeparator(domain);
  }

  sign(side: Side, digest: Uint8Array): PartySignature {
    return { signature: signDigest(digest, this.parties[side].key) };
  }

  base(version: number, paidByA: number, paidByB: number): SignedBase {
    const digest = baseDigest(this.#separator, this.id, { version, paidByA, paidByB });
    return { version, paidByA, paidByB, signatures: [this.sign(0, digest), this.sign(1, digest)] };
  }

  grant(side: Side, name: string, cap: number, expiry: number): SignedGrant & { readonly name: string } {
    const grant = { key: testKey(name).address, cap, expiry };
    return { ...grant, name, signature: this.sign(side, grantDigest(this.#separator, this.id, grant)).signature };
  }

  voucher(payer: Side, { version = 0, sequence, paid, locks = [], grant }: VoucherWish): SignedVoucher {
    const voucher = { payer, version, sequence, paid, locksHash: locksHashOf(locks), callsHash: new Uint8Array(32).fill(sequence % 256) };
    const digest = voucherDigest(this.#separator, this.id, voucher);
    const by = grant === undefined ? this.sign(payer, digest) : { signature: signDigest(digest, testKey(grant.name).key), grant };
    return { ...voucher, locks, by };
  }

  /** What `side` hands to its tower. */
  state(side: Side, parts: { readonly base?: SignedBase; readonly voucher?: VoucherWish; readonly endorsed?: boolean }): TowerState {
    const { base } = parts;
    const plain = parts.voucher === undefined ? undefined : this.voucher(otherSide(side), { version: base?.version ?? 0, ...parts.voucher });
    const voucher = plain !== undefined && parts.endorsed === true ? { ...plain, endorsement: this.sign(side, voucherDigest(this.#separator, this.id, plain)) } : plain;
    return { config: this.config, side, ...(base === undefined ? {} : { base }), ...(voucher === undefined ? {} : { voucher }) };
  }

  /** The side's wish to be watched. */
  watch(state: TowerState): PartySignature {
    return this.sign(state.side, watchDigest(towerDomainSeparator(this.domain), { ...rankOf(state), channelId: this.id, side: state.side }));
  }

  /** The body of a request. */
  request(state: TowerState): Record<string, unknown> {
    const { chainId, adjudicator, towerBond } = this.domain;
    return { chainId, adjudicator: toHex(adjudicator), towerBond: toHex(towerBond), state: writeTowerState(state), by: writePartySignature(this.watch(state)) };
  }
}

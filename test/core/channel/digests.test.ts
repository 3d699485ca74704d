import { expect } from "chai";
import { AbiCoder, TypedDataEncoder, keccak256 } from "ethers";

import {
  HOME, ackDigest, baseDigest, channelDomainSeparator, channelIdOf, closeDigest, exportDigest, grantDigest, locksHashOf, payoutOf, voucherDigest, withdrawalDigest,
} from "../../../core/channel/index.ts";
import type { ChannelConfig } from "../../../core/channel/index.ts";
import { fromHex, toHex } from "../../../core/codec/index.ts";
import { CoreError } from "../../../core/errors.ts";
import { CHANNEL_EIP712 } from "../../../core/generated/protocol.ts";

const adjudicator = "0x00000000000000000000000000000000000ad00d";
const domain = { name: "agnt2 channel", version: "1", chainId: 31337n, verifyingContract: adjudicator };
const separator = channelDomainSeparator({ chainId: 31337n, adjudicator: fromHex(adjudicator) });
const word = (byte: number): string => `0x${byte.toString(16).padStart(2, "0").repeat(32)}`;
const config: ChannelConfig = {
  home: HOME.L1, partyA: fromHex(word(0xa1), 32).slice(0, 20), partyB: fromHex(word(0xb2), 32).slice(0, 20), asset: new Uint8Array(20), unit: 1_000_000_000, windowSeconds: 3600, flags: 1, salt: 2 ** 53 - 1,
};

/** The fields of a type string, for ethers. */
function fieldsOf(type: string): { name: string; type: string }[] {
  return type.slice(type.indexOf("(") + 1, -1).split(",").map((field) => {
    const [kind = "", name = ""] = field.split(" ");
    return { name, type: kind };
  });
}

function expected(type: keyof typeof CHANNEL_EIP712, values: Record<string, unknown>): string {
  return TypedDataEncoder.hash(domain, { [type]: fieldsOf(CHANNEL_EIP712[type]) }, { channelId: word(1), ...values });
}

describe("channel digests", () => {
  const id = fromHex(word(1));
  const version = 2 ** 32 - 1;
  const large = 2 ** 53 - 1;
  const callsHash = word(3);
  const hashes = { callsHash: fromHex(callsHash) };

  it("every type: hashes as any EIP-712 wallet does", () => {
    expect(toHex(baseDigest(separator, id, { version, paidByA: large, paidByB: 1 }))).equals(expected("Base", { version, paidByA: large, paidByB: 1 }));
    expect(toHex(voucherDigest(separator, id, { payer: 1, version, sequence: large, paid: 7, locksHash: fromHex(word(4)), ...hashes }))).equals(
      expected("Voucher", { payer: 1, version, sequence: large, paid: 7, locksHash: word(4), callsHash }),
    );
    expect(toHex(ackDigest(separator, id, { payer: 1, version, sequence: 9, results: 8, resultsHash: fromHex(word(5)), ...hashes }))).equals(
      expected("Ack", { payer: 1, version, sequence: 9, callsHash, results: 8, resultsHash: word(5) }),
    );
    expect(toHex(grantDigest(separator, id, { key: config.partyA, cap: large, expiry: 2 ** 40 - 1 }))).equals(expected("Grant", { key: toHex(config.partyA), cap: large, expiry: 2 ** 40 - 1 }));
    expect(toHex(closeDigest(separator, id, { paidByA: 5, paidByB: large }))).equals(expected("Close", { paidByA: 5, paidByB: large }));
    expect(toHex(withdrawalDigest(separator, id, { nonce: 4, side: 1, amount: large, validUntil: 99 }))).equals(expected("Withdrawal", { nonce: 4, side: 1, amount: large, validUntil: 99 }));
    expect(toHex(exportDigest(separator, id))).equals(expected("Export", {}));
  });

  it("channel id: is the hash of the ABI-encoded config", () => {
    const types = ["uint8", "address", "address", "address", "uint64", "uint32", "uint8", "uint64"];
    const values = [config.home, toHex(config.partyA), toHex(config.partyB), toHex(config.asset), config.unit, config.windowSeconds, config.flags, config.salt];
    expect(toHex(channelIdOf(config))).equals(keccak256(AbiCoder.defaultAbiCoder().encode(types, values)));
  });

  it("locks: hash as an ABI-encoded list, and to zero when there are none", () => {
    const locks = [1, 2, 3].map((n) => ({ hashlock: fromHex(word(n)), amount: large - n, expiry: 2 ** 40 - n }));
    const encoded = AbiCoder.defaultAbiCoder().encode(["tuple(bytes32,uint64,uint40)[]"], [locks.map((lock) => [toHex(lock.hashlock), lock.amount, lock.expiry])]);
    expect(toHex(locksHashOf(locks))).equals(keccak256(encoded));
    expect(toHex(locksHashOf([]))).equals(word(0));
  });

  it("config: refuses a channel with itself, without a window, or with an asset of its own in Layer Core", () => {
    const refused: Partial<ChannelConfig>[] = [{ partyB: config.partyA }, { windowSeconds: 0 }, { unit: 0 }, { flags: 2 }, { home: HOME.CORE }, { salt: 2 ** 53 }, { partyA: new Uint8Array(20) }];
    for (const change of refused) {
      expect(() => channelIdOf({ ...config, ...change })).throws(CoreError).with.property("code", "channel/config");
    }
  });

  it("payout: never makes or loses a unit, whatever was signed", () => {
    const amounts = [0, 1, 7, 100, large];
    for (const netA of [0, 5, 100]) for (const netB of [-5, 0, 9]) for (const paidByA of amounts) for (const paidByB of amounts) {
      if (netA + netB < 0) continue;
      const { a, b } = payoutOf({ netA, netB, paidByA, paidByB });
      expect(a + b).equals(netA + netB);
      expect(Math.min(a, b)).at.least(0);
    }
  });
});

import { expect } from "chai";
import { AbiCoder, concat, hexlify, keccak256, recoverAddress, SigningKey, TypedDataEncoder } from "ethers";

import {
  batchDataRoot, batchHash, bundleDigest, decodeHeader, decodeLeaf, decodeRecord, domainSeparator, encodeHeader, encodeLeaf, encodeRecord, entryHash,
  fromHex, openSlot, recordsHash, recoverSigner, toHex,
} from "../../core/codec/index.ts";
import { CoreError, outcomeText } from "../../core/errors.ts";
import { FIELD_BYTES, LEAF_LAYOUT, RECORD_LAYOUT } from "../../core/generated/protocol.ts";
import type { LeafName, RecordFields } from "../../core/generated/protocol.ts";
import { keccak256 as coreKeccak } from "../../core/hash/index.ts";
import { computeRoot } from "../../core/state/tree/index.ts";
import { Random } from "../differential/scenario/Random.ts";

const random = new Random(7);
const inbox = "0x" + "12".repeat(20);
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CoreError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

function randomFields(layout: readonly (readonly [string, string, number])[], except?: string): Record<string, number | Uint8Array> {
  return Object.fromEntries(
    layout.filter(([name]) => name !== except).map(([name, type]) => {
      if (type === "address" || type === "bytes32") return [name, random.bytes(FIELD_BYTES[type])];
      const bits = Math.min(53, 8 * FIELD_BYTES[type as "u8"]);
      return [name, Number(BigInt.asUintN(bits, (BigInt(random.u32()) << 32n) | BigInt(random.u32())))];
    }),
  );
}

describe("codec", () => {
  for (const op of Object.keys(RECORD_LAYOUT) as (keyof RecordFields)[]) {
    it(`record: comes back as it was when ${op} is encoded and decoded`, () => {
      for (let i = 0; i < 20; i += 1) {
        const fields = randomFields(RECORD_LAYOUT[op], "op");
        expect(decodeRecord(encodeRecord(op, fields))).to.deep.equal({ op, fields });
      }
    });
  }

  for (const leaf of Object.keys(LEAF_LAYOUT) as LeafName[]) {
    it(`leaf: comes back as it was when ${leaf} is encoded and decoded`, () => {
      const fields = randomFields(LEAF_LAYOUT[leaf]);
      expect(decodeLeaf(leaf, encodeLeaf(leaf, fields))).to.deep.equal(fields);
    });
  }

  it("record: has its fields where the specification puts them when it is an INVOKE", () => {
    const slot = encodeRecord("INVOKE", { flags: 9, provider: 2, price: 0x0102030405, deadline: 3, capability: 4, inputHash: "0x" + "ee".repeat(32), depSlot: 5, depId: 6n });
    const words = ["1209000000000002000000010203040500000003000000040000000000000000", "ee".repeat(32), "0000000000000000000000050000000000000006000000000000000000000000"];
    expect(toHex(slot)).to.equal(`0x${words.join("")}`);
  });

  it("record: is refused when a field is unknown, too wide, negative, no integer or of another type", () => {
    expect(codeOf(() => encodeRecord("TRANSFER", { too: 1 } as object))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("TRANSFER", { to: 2 ** 32 }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("TRANSFER", { amount: 2n ** 64n }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("TRANSFER", { amount: -1 }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("TRANSFER", { amount: 1.5 }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("TRANSFER", { amount: "5" }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("WITHDRAW", { recipient: 5 }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("WITHDRAW", { recipient: new Uint8Array(19) }))).to.equal("codec/field");
    expect(codeOf(() => encodeRecord("WITHDRAW", { recipient: "0x12" }))).to.equal("codec/hex");
  });

  it("record: is refused when its length or opcode is no record's", () => {
    expect(codeOf(() => decodeRecord(new Uint8Array(95)))).to.equal("codec/length");
    expect(codeOf(() => decodeRecord(new Uint8Array(96)))).to.equal("codec/opcode");
    expect(codeOf(() => decodeHeader(encodeRecord("TRANSFER", {})))).to.equal("codec/opcode");
    expect(decodeHeader(encodeHeader({ agent: 3, nonce: 4 })).nonce).to.equal(4);
  });

  it("hex: is refused when it is odd, has other letters or another length", () => {
    expect(codeOf(() => fromHex("0x123"))).to.equal("codec/hex");
    expect(codeOf(() => fromHex("0xzz"))).to.equal("codec/hex");
    expect(codeOf(() => fromHex("0x1234", 3))).to.equal("codec/hex");
    expect(toHex(fromHex("0xABcd"))).to.equal("0xabcd");
  });

  it("B-4 running hash: is the chain of keccaks when there are several slots", () => {
    const slots = random.bytes(96 * 3);
    let expected = `0x${"00".repeat(32)}`;
    for (let i = 0; i < 3; i += 1) expected = keccak256(concat([expected, slots.slice(96 * i, 96 * (i + 1))]));
    expect(toHex(recordsHash(slots))).to.equal(expected);
    expect(toHex(recordsHash(new Uint8Array(0)))).to.equal(`0x${"00".repeat(32)}`);
  });

  it("B-5 digest: is that of EIP-712 when ethers encodes the same bundle", () => {
    const message = { agent: 77, nonce: 2 ** 40 + 5, count: 512, validUntil: 4_000_000_000, recordsHash: random.bytes(32) };
    const types = { Bundle: "uint32 agent,uint64 nonce,uint16 count,uint32 validUntil,bytes32 recordsHash".split(",").map((field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] })) };
    const expected = TypedDataEncoder.hash({ name: "agnt2", version: "1", chainId: 8453, verifyingContract: inbox }, types, { ...message, recordsHash: hexlify(message.recordsHash) });
    const separator = domainSeparator({ chainId: 8453, inbox: fromHex(inbox) });
    expect(toHex(bundleDigest({ domainSeparator: separator, ...message }))).to.equal(expected);
    expect(toHex(bundleDigest({ domainSeparator: domainSeparator({ chainId: 8454, inbox: fromHex(inbox) }), ...message }))).to.not.equal(expected);
  });

  it("B-5 signature: recovers ethers' signer, and nobody when it is none or s is above half the order", () => {
    for (let i = 0; i < 8; i += 1) {
      const key = new SigningKey(random.bytes(32));
      const digest = random.bytes(32);
      const signature = key.sign(digest);
      const r = fromHex(signature.r);
      expect(toHex(recoverSigner(digest, r, fromHex(signature.yParityAndS))!)).to.equal(recoverAddress(digest, signature).toLowerCase());
    }
    const digest = random.bytes(32);
    const one = fromHex(`0x${"00".repeat(31)}01`);
    expect(recoverSigner(digest, new Uint8Array(32), one)).to.equal(null);
    expect(recoverSigner(digest, one, new Uint8Array(32))).to.equal(null);
    expect(recoverSigner(digest, new Uint8Array(32).fill(255), one)).to.equal(null);
    expect(recoverSigner(digest, fromHex(ORDER.toString(16)), one)).to.equal(null);
    const word = (value: bigint): Uint8Array => fromHex(value.toString(16).padStart(64, "0"));
    expect(recoverSigner(digest, one, word(ORDER / 2n))).to.not.equal(null);
    expect(recoverSigner(digest, one, word(ORDER / 2n + 1n))).to.equal(null);
    // 5 is no x coordinate of the curve.
    expect(recoverSigner(digest, fromHex(`0x${"00".repeat(31)}05`), one)).to.equal(null);
  });

  it("B-2 batch hash: is that of the ABI encoding", () => {
    const meta = { l2Time: 1_700_000_000, queueEnd: 2 ** 45, slots: 4_000_000_000, dataRoot: random.bytes(32) };
    const encoded = AbiCoder.defaultAbiCoder().encode(["uint32", "uint64", "uint32", "bytes32"], [meta.l2Time, meta.queueEnd, meta.slots, meta.dataRoot]);
    expect(toHex(batchHash(meta))).to.equal(keccak256(encoded));
  });

  it("B-3 entry hash: is 27 bytes of the ABI encoding's keccak, then slots and due time", () => {
    const entry = { kind: 66, sender: random.bytes(20), account: random.bytes(20), value: 2n ** 64n - 1n, slots: 64, dataRoot: random.bytes(32), dueTime: 0x01020304 };
    const types = ["uint8", "address", "address", "uint64", "uint32", "bytes32", "uint32"];
    const values = [entry.kind, toHex(entry.sender), toHex(entry.account), entry.value, entry.slots, entry.dataRoot, entry.dueTime];
    const hash = keccak256(AbiCoder.defaultAbiCoder().encode(types, values));
    expect(toHex(entryHash(entry))).to.equal(`${hash.slice(0, 56)}4001020304`);
  });

  it("B-1 data root: is zero for no slots, the chunk's hash for one chunk, the padded tree's root for more", () => {
    expect(toHex(batchDataRoot(new Uint8Array(0)))).to.equal(`0x${"00".repeat(32)}`);
    const chunk = random.bytes(96 * 42);
    expect(toHex(batchDataRoot(chunk))).to.equal(keccak256(chunk));
    const slots = random.bytes(96 * (42 * 4 + 1));
    const hashes = [0, 1, 2, 3, 4].map((i) => keccak256(slots.slice(i * 4032, (i + 1) * 4032)));
    const zero = `0x${"00".repeat(32)}`;
    const first = keccak256(concat([...hashes.slice(0, 4), "0x00"]));
    const second = keccak256(concat([hashes[4], zero, zero, zero, "0x00"]));
    expect(toHex(batchDataRoot(slots))).to.equal(keccak256(concat([first, second, zero, zero, "0x00"])));
    expect(codeOf(() => batchDataRoot(new Uint8Array(97)))).to.equal("codec/length");
  });

  it("B-1 opening: leads to the data root when the slot is any of the batch", () => {
    for (const count of [1, 42, 43, 170, 42 * 16 + 5]) {
      const slots = random.bytes(96 * count);
      const root = toHex(batchDataRoot(slots));
      for (const index of [0, Math.floor(count / 2), count - 1]) {
        const { chunk, siblings } = openSlot(slots, index);
        const path = new Uint8Array(siblings.length * 32);
        siblings.forEach((sibling, i) => path.set(sibling, 32 * i));
        expect(toHex(computeRoot(coreKeccak(chunk), Math.floor(index / 42), siblings.length / 3, path))).to.equal(root);
        expect(toHex(chunk.slice(96 * (index % 42), 96 * (index % 42) + 96))).to.equal(toHex(slots.slice(96 * index, 96 * index + 96)));
      }
    }
    expect(codeOf(() => openSlot(new Uint8Array(96), 1))).to.equal("codec/length");
  });

  it("outcome text: says what happened and what to do when the id exists", () => {
    expect(outcomeText(4)).to.include({ id: 4, name: "E_BALANCE" });
    expect(outcomeText(4)!.todo).to.not.equal("");
    expect(outcomeText(63)).to.equal(undefined);
  });
});

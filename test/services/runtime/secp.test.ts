import { expect } from "chai";
import { Signature, Wallet, getBytes, hexlify, keccak256, toUtf8Bytes } from "ethers";

import { recoverSigner } from "../../../core/codec/signature.ts";
import { backend, loadSecpBackends } from "../../../runtime/crypto/secp.ts";
import { createKeySigner } from "../../../sdk/BundleSigner.ts";

/** The lowest s that is too high; most high ones do not fit below the recovery bit anyway. */
const LOWEST_HIGH_S = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1";

const MESSAGE = { agent: 7, nonce: 1, count: 1, validUntil: 0, recordsHash: new Uint8Array(32).fill(5) };
const DOMAIN = { chainId: 1, inbox: `0x${"11".repeat(20)}`, separator: new Uint8Array(32).fill(9) };

function numbered(index: number): { key: Uint8Array; digest: Uint8Array } {
  return { key: getBytes(keccak256(toUtf8Bytes(`key ${index}`))), digest: getBytes(keccak256(toUtf8Bytes(`digest ${index}`))) };
}

describe("secp", () => {
  const backends = loadSecpBackends();

  it("backend: is the native one when its binary is there", () => {
    expect(backends.map((each) => each.backend)).to.include("tiny-secp256k1 (wasm)");
    expect(backend).to.equal(backends[0]!.backend);
  });

  for (const secp of backends) {
    it(`${secp.backend} signDigest: gives the signature of ethers, and of the SDK's own library, when all sign the same`, () => {
      for (let index = 0; index < 100; index++) {
        const { key, digest } = numbered(index);
        const wallet = new Wallet(hexlify(key));
        const signature = secp.signDigest(digest, key);
        expect(hexlify(signature)).to.equal(wallet.signingKey.sign(digest).compactSerialized);
        expect(hexlify(secp.recoverAddress(digest, signature)!)).to.equal(wallet.address.toLowerCase());
        expect(hexlify(secp.recoverSigner(digest, signature.subarray(0, 32), signature.subarray(32))!)).to.equal(wallet.address.toLowerCase());
        expect(hexlify(recoverSigner(digest, signature.subarray(0, 32), signature.subarray(32))!)).to.equal(wallet.address.toLowerCase());
        expect(createKeySigner(key, secp.signDigest).signBundle(MESSAGE, DOMAIN)).to.deep.equal(createKeySigner(key).signBundle(MESSAGE, DOMAIN));
        expect(hexlify(secp.recoverPublicKey(digest, signature)!).slice(2)).to.equal(wallet.signingKey.publicKey.slice(4));
        expect(hexlify(secp.addressOfKey(key))).to.equal(wallet.address.toLowerCase());
      }
    });

    it(`${secp.backend} recoverAddress: gives null when the signature is none`, () => {
      const { key, digest } = numbered(1);
      const good = secp.signDigest(digest, key);
      const untouched = hexlify(good);
      const { r, yParity } = Signature.from(untouched);
      const highS = getBytes(r + LOWEST_HIGH_S);
      const zero = new Uint8Array(64);
      const overflowingR = Uint8Array.from(good).fill(0xff, 0, 32);
      for (const bad of [highS, zero, overflowingR, good.subarray(1), new Uint8Array(65)]) expect(secp.recoverAddress(digest, bad)).to.equal(null);
      expect(secp.recoverAddress(digest.subarray(1), good)).to.equal(null);
      // Lengths that make 64 together are not enough.
      for (const cut of [31, 33]) expect(secp.recoverSigner(digest, good.subarray(0, cut), good.subarray(cut))).to.equal(null);
      const flipped = Uint8Array.from(good);
      flipped[32] = flipped[32]! ^ 0x80;
      expect(secp.recoverAddress(digest, flipped)).to.not.deep.equal(secp.recoverAddress(digest, good));
      expect([hexlify(good), yParity]).to.deep.equal([untouched, good[32]! >> 7]);
    });

    it(`${secp.backend} signDigest: throws when key or digest is out of range`, () => {
      const { key, digest } = numbered(1);
      for (const bad of [new Uint8Array(32), new Uint8Array(32).fill(0xff), key.subarray(1)]) expect(() => secp.signDigest(digest, bad)).to.throw(RangeError);
      expect(() => secp.signDigest(digest.subarray(1), key)).to.throw(RangeError);
    });
  }
});

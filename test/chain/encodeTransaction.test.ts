import { expect } from "chai";
import { Transaction, Wallet, getBytes, hexlify } from "ethers";

import { encodeTransaction } from "../../chain/transactions/encodeTransaction.ts";
import type { UnsignedTransaction } from "../../chain/transactions/encodeTransaction.ts";
import { createTransactionSigner } from "../../chain/transactions/TransactionSigner.ts";
import { createLocalSigner } from "../../runtime/keystore/createLocalSigner.ts";
import { DEVELOPMENT_KEYS } from "../builders/localChain.ts";

const wallet = new Wallet(DEVELOPMENT_KEYS[0]);
const sign = (digest: Uint8Array): Uint8Array => getBytes(wallet.signingKey.sign(digest).compactSerialized);
const BASE: UnsignedTransaction = {
  chainId: 31337n,
  nonce: 5,
  to: "0x00000000000000000000000000000000000Ca401",
  valueWei: 10n ** 18n,
  data: "0x1234",
  gasLimit: 16_777_216n,
  maxFeeWei: 2_000_000_000n,
  maxPriorityFeeWei: 1n,
};

function bytes(count: number): string {
  return hexlify(Uint8Array.from({ length: count }, (_unused, index) => (index * 31) & 255));
}

describe("transaction encoding", () => {
  for (const [what, change] of [
    ["no data", { data: "0x" }],
    ["one small byte of data", { data: "0x7f" }],
    ["one large byte of data", { data: "0x80" }],
    ["a zero byte of data", { data: "0x00" }],
    ["55 bytes of data", { data: bytes(55) }],
    ["56 bytes of data", { data: bytes(56) }],
    ["256 bytes of data", { data: bytes(256) }],
    ["100 kB of data", { data: bytes(100_000) }],
    ["upper-case data", { data: "0xABCDEF" }],
    ["zero nonce, value and tip", { nonce: 0, valueWei: 0n, maxPriorityFeeWei: 0n }],
    ["a nonce of 128", { nonce: 128 }],
    ["a large chain id", { chainId: 2n ** 53n }],
  ] as const) {
    it(`encode: equals what ethers makes of ${what}`, async () => {
      const transaction = { ...BASE, ...change, to: BASE.to.toLowerCase() };
      const { raw, hash } = encodeTransaction(transaction, sign);
      const { chainId, nonce, to, data, gasLimit, valueWei, maxFeeWei, maxPriorityFeeWei } = transaction;
      const reference = await wallet.signTransaction({ type: 2, chainId, nonce, to, data, gasLimit, value: valueWei, maxFeePerGas: maxFeeWei, maxPriorityFeePerGas: maxPriorityFeeWei });
      expect(raw.toLowerCase()).to.equal(reference.toLowerCase());
      expect(hash).to.equal(Transaction.from(reference).hash);
    });
  }

  it("encode: equals ethers for signatures whose r or s begin with zeros", async () => {
    for (let nonce = 0; nonce < 600; nonce += 1) {
      const { raw } = encodeTransaction({ ...BASE, nonce, to: BASE.to.toLowerCase() }, sign);
      expect(Transaction.from(raw).from).to.equal(wallet.address);
      expect(Transaction.from(raw).serialized).to.equal(raw);
    }
  });

  it("signer: a key in this process, a wallet and a key elsewhere sign the same", async () => {
    const local = createLocalSigner(getBytes(wallet.privateKey));
    const elsewhere = { address: local.address, signTransaction: local.signTransaction };
    const to = BASE.to.toLowerCase();
    const signed = await Promise.all([local, wallet, elsewhere].map((signer) => createTransactionSigner(signer).sign({ ...BASE, to })));
    expect(new Set(signed.map(({ raw }) => raw)).size).to.equal(1);
    expect(new Set(signed.map(({ hash }) => hash)).size).to.equal(1);
  });

  it("encode: is refused when the data are no whole bytes", () => {
    expect(() => encodeTransaction({ ...BASE, data: "0x123" }, sign)).to.throw(RangeError);
    expect(() => encodeTransaction({ ...BASE, data: "0x12zz" }, sign)).to.throw(RangeError);
  });
});

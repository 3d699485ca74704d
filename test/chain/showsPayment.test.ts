import { expect } from "chai";
import { Interface, Wallet, toBeHex, zeroPadValue } from "ethers";

import { encodeTransfer, parseAuthorization } from "../../chain/tokens/Authorization.ts";
import type { Authorization } from "../../chain/tokens/Authorization.ts";
import { showsPayment } from "../../chain/tokens/findAuthorization.ts";
import type { RawLog } from "../../chain/readLogs.ts";
import { testDollarAbi } from "../../chain/generated/abi/TestDollar.ts";

const TOKEN = Interface.from(testDollarAbi as never);
const [asset, otherAsset, from, payee, accomplice] = Array.from({ length: 5 }, () => Wallet.createRandom().address) as [string, string, string, string, string];
const nonceOf = (index: number): string => zeroPadValue(toBeHex(index), 32);
const authorization = (change: Partial<Authorization> = {}): Authorization => ({ from, to: payee, value: 5n, validAfter: 0n, validBefore: 10n, nonce: nonceOf(1), ...change });

function log(address: string, name: string, values: readonly unknown[]): RawLog {
  const { topics, data } = TOKEN.encodeEventLog(name, values as unknown[]);
  return { address: address.toLowerCase(), topics, data, blockNumber: "0x1", blockHash: "0x", transactionHash: "0x" };
}
const used = (index: number, token = asset): RawLog => log(token, "AuthorizationUsed", [from, nonceOf(index)]);
const transfer = (to: string, value = 5n, token = asset, payer = from): RawLog => log(token, "Transfer", [payer, to, value]);
const shows = (...logs: RawLog[]): boolean => showsPayment(logs, asset, authorization());

describe("payment in the logs of a transaction", () => {
  it("is shown by the use of its nonce and the transfer right after it", () => {
    expect(shows(used(1), transfer(payee))).to.equal(true);
    expect(shows(transfer(accomplice), used(1, otherAsset), used(1), log(otherAsset, "Transfer", [from, payee, 1n]), transfer(payee))).to.equal(true);
  });

  it("is not shown by a transfer that belongs to another nonce: one transfer never pays twice", () => {
    const logs = [used(1), transfer(accomplice), used(2), transfer(payee)];
    expect(showsPayment(logs, asset, authorization())).to.equal(false);
    expect(showsPayment(logs, asset, authorization({ nonce: nonceOf(2) }))).to.equal(true);
    expect(shows(used(2), transfer(payee), used(1), transfer(accomplice))).to.equal(false);
    expect(shows(transfer(payee), used(1))).to.equal(false);
  });

  it("is not shown by another token, payer, payee or amount, nor by a cancellation", () => {
    expect(shows(used(1, otherAsset), transfer(payee, 5n, otherAsset))).to.equal(false);
    expect(shows(used(1), transfer(payee, 5n, otherAsset))).to.equal(false);
    expect(shows(used(1), transfer(payee, 5n, asset, accomplice))).to.equal(false);
    expect(shows(used(1), transfer(payee, 4n))).to.equal(false);
    expect(shows(used(1), transfer(accomplice))).to.equal(false);
    expect(shows(log(asset, "AuthorizationCanceled", [from, nonceOf(1)]), transfer(payee))).to.equal(false);
    expect(shows()).to.equal(false);
  });
});

describe("payload of an authorization", () => {
  const fields = { from, to: payee, value: "5", validAfter: "0", validBefore: "10", nonce: nonceOf(1) };
  const signature = `0x${"11".repeat(64)}1b`;

  it("is read with addresses in any proper case, and encoded with v, r and s or as bytes", () => {
    const read = parseAuthorization({ authorization: { ...fields, from: from.toLowerCase() }, signature })!;
    expect(read).to.deep.equal({ ...authorization(), signature });
    expect(TOKEN.parseTransaction({ data: encodeTransfer(read)! })!.args).to.have.length(9);
    expect(TOKEN.parseTransaction({ data: encodeTransfer({ ...read, signature: `${signature}00` })! })!.args).to.have.length(7);
  });

  it("is refused when anything in it is not what it should be, and never throws", () => {
    const wrong: unknown[] = [
      undefined, null, 5, "x", [], {}, { authorization: fields }, { signature }, { authorization: null, signature }, { authorization: fields, signature: "0x" }, { authorization: fields, signature: "0x1" },
      { authorization: fields, signature: `0x${"00".repeat(5_000)}` },
      ...["0x12", "", 5, null, `0x${"zz".repeat(20)}`, from.replace(/[a-f]/, (letter) => letter.toUpperCase()).replace(/[A-F](?=[^A-F]*$)/, (letter) => letter.toLowerCase())].map((bad) => ({ authorization: { ...fields, from: bad === from ? "0x" : bad }, signature })),
      ...["-1", "1.5", "0x5", "05", "1e3", " 5", 5, 5n, (2n ** 256n).toString(), ""].map((bad) => ({ authorization: { ...fields, value: bad }, signature })),
      ...["0x", nonceOf(1).slice(0, -2), `${nonceOf(1)}00`, 5].map((bad) => ({ authorization: { ...fields, nonce: bad }, signature })),
    ];
    for (const each of wrong) expect(parseAuthorization(each), JSON.stringify(each, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value))).to.equal(undefined);
    expect(encodeTransfer({ ...authorization(), signature: `0x${"ff".repeat(65)}` })).to.equal(undefined);
  });
});

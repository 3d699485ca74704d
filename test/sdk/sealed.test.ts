import { createCipheriv, hkdfSync } from "node:crypto";

import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { expect } from "chai";
import { getAddress, Wallet } from "ethers";

import { chooseSealKey, createSealSecret, isSealKeyOf, openAnswer, openRequest, publicPartOf, readSealKeys, SdkError, sealAnswer, sealRequest, signSealKey } from "../../sdk/index.ts";
import type { AnswerKey, SealSecret } from "../../sdk/index.ts";
import { toBase64Url } from "../../sdk/sealed/base64Url.ts";
import { sealKeyId } from "../../sdk/sealed/sealKey.ts";
import { sealByReference } from "../builders/referenceHpke.ts";
import { AGENT_WALLET } from "../builders/describedAgent.ts";

/** RFC 9180, appendix A.1.1. */
const A1 = {
  info: Buffer.from("4f6465206f6e2061204772656369616e2055726e", "hex"),
  skE: Buffer.from("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736", "hex"),
  pkE: Buffer.from("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431", "hex"),
  skR: Buffer.from("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8", "hex"),
  pkR: Buffer.from("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d", "hex"),
  text: Buffer.from("4265617574792069732074727574682c20747275746820626561757479", "hex"),
  aad: Buffer.from("Count-0"),
  ciphertext: "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
  exported: "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee",
};
const TO = { method: "POST", target: "/translate?to=de", seller: AGENT_WALLET.address };
const OWNER = { address: AGENT_WALLET.address, chainId: 31337 };
const PAYER = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";
const CONTENT = { contentType: "application/json", body: Buffer.from('{"text":"hello"}') };
const hex = (data: ArrayBuffer | Uint8Array): string => Buffer.from(data as Uint8Array).toString("hex");

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SdkError) return error.code;
    throw error;
  }
  return "opened";
}

function field(part: string): Buffer {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

describe("sealed bodies", () => {
  let secret: SealSecret;
  before(async () => {
    secret = await createSealSecret(1_000, 2_000);
  });

  it("library: agrees with RFC 9180 A.1, and so does the reference of these tests", async () => {
    const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() });
    const context = await suite.createRecipientContext({ recipientKey: await suite.kem.deserializePrivateKey(Uint8Array.from(A1.skR)), enc: Uint8Array.from(A1.pkE), info: A1.info });
    expect(hex(await context.open(Buffer.from(A1.ciphertext, "hex"), A1.aad))).to.equal(hex(A1.text));
    expect(hex(await context.export(Buffer.alloc(0), 32))).to.equal(A1.exported);
    const ours = sealByReference({ aead: 1, ...A1 }, A1.info, A1.aad, A1.text);
    expect([hex(ours.ciphertext), hex(ours.exported(Buffer.alloc(0), 32))]).to.deep.equal([A1.ciphertext, A1.exported]);
  });

  it("format: a body that was sealed from the page's text alone is opened, and its answer too", async () => {
    const aad = Buffer.concat(["agnt2/sealed-request/2", TO.method, TO.target, TO.seller.toLowerCase()].map(field));
    const packed = Buffer.concat([Buffer.from(PAYER.slice(2), "hex"), Buffer.from([CONTENT.contentType.length]), Buffer.from(CONTENT.contentType), CONTENT.body]);
    const { ciphertext, exported } = sealByReference({ aead: 2, ...A1 }, Buffer.from("agnt2/sealed/1"), aad, packed);
    const own: SealSecret = { keyId: sealKeyId(A1.pkR), publicKey: toBase64Url(A1.pkR), privateKey: toBase64Url(A1.skR), notBefore: 0, notAfter: 1 };
    const body = Buffer.concat([Buffer.from([2]), Buffer.from(own.keyId.slice(2), "hex"), A1.pkE, ciphertext]);
    const opened = await openRequest([own], { ...TO, payer: PAYER }, body);
    expect([opened.content.contentType, hex(opened.content.body)]).to.deep.equal([CONTENT.contentType, hex(CONTENT.body)]);
    const answerSecret = exported(Buffer.from("agnt2/sealed-answer/1"), 32);
    expect(hex(opened.answerKey.secret)).to.equal(hex(answerSecret));
    const random = Buffer.alloc(32, 7);
    const derive = (info: string, length: number): Buffer => Buffer.from(hkdfSync("sha256", answerSecret, Buffer.concat([A1.pkE, random]), info, length));
    const cipher = createCipheriv("aes-256-gcm", derive("key", 32), derive("nonce", 12)).setAAD(Buffer.concat(["agnt2/sealed-answer/1", "200"].map(field)));
    const sealed = Buffer.concat([cipher.update(Buffer.from("\u0000bytes")), cipher.final()]);
    const answer = await openAnswer(opened.answerKey, 200, Buffer.concat([Buffer.from([1]), random, sealed, cipher.getAuthTag()]));
    expect([answer.contentType, Buffer.from(answer.body).toString()]).to.deep.equal(["", "bytes"]);
  });

  it("payer: what is sealed for one is opened for no other's payment; for whoever pays, and where nobody pays, for everybody", async () => {
    const sealFor = async (payer?: string): Promise<Uint8Array> => (await sealRequest(publicPartOf(secret), { ...TO, payer }, CONTENT)).body;
    const openFor = async (body: Uint8Array, payer?: string): Promise<string> => code(openRequest([secret], { ...TO, payer }, body));
    const [bound, open] = await Promise.all([sealFor(getAddress(PAYER)), sealFor()]);
    expect(await Promise.all([openFor(bound, PAYER), openFor(bound, getAddress(PAYER)), openFor(bound), openFor(bound, OWNER.address)])).to.deep.equal(["opened", "opened", "opened", "SDK_SEALED"]);
    expect(await Promise.all([openFor(open, PAYER), openFor(open)])).to.deep.equal(["opened", "opened"]);
    expect(Buffer.from(bound).includes(Buffer.from(PAYER.slice(2), "hex"))).to.equal(false);
  });

  it("round trip: request and answer come back, of any size, and nothing of them is seen on the way", async () => {
    for (const size of [0, 1, 100_000]) {
      const content = { contentType: "text/plain; charset=utf-8", body: Buffer.alloc(size, "secret") };
      const { body, answerKey } = await sealRequest(publicPartOf(secret), TO, content);
      expect(Buffer.from(body).includes("secret")).to.equal(false);
      const opened = await openRequest([secret], TO, body);
      expect([opened.content.contentType, hex(opened.content.body)]).to.deep.equal([content.contentType, hex(content.body)]);
      const answer = await sealAnswer(opened.answerKey, 201, content);
      expect(hex((await openAnswer(answerKey, 201, answer)).body)).to.equal(hex(content.body));
    }
  });

  it("request: opens for no other method, target, agent or key", async () => {
    const { body } = await sealRequest(publicPartOf(secret), TO, CONTENT);
    const other = await createSealSecret(1_000, 2_000);
    for (const to of [{ ...TO, method: "PUT" }, { ...TO, target: "/translate" }, { ...TO, target: "/translate?to=fr" }, { ...TO, seller: `0x${"0e".repeat(20)}` }]) {
      expect(await code(openRequest([secret], to, body))).to.equal("SDK_SEALED");
    }
    expect(await code(openRequest([other], TO, body))).to.equal("SDK_SEALED");
    expect(await code(openRequest([{ ...other, keyId: secret.keyId }], TO, body))).to.equal("SDK_SEALED");
    expect(await code(openRequest([], TO, body))).to.equal("SDK_SEALED");
    expect(await code(openRequest([other, secret], { ...TO, seller: TO.seller.toLowerCase() }, body))).to.equal("opened");
  });

  it("request and answer: changed in any byte or cut anywhere, they do not open", async () => {
    const { body, answerKey } = await sealRequest(publicPartOf(secret), TO, CONTENT);
    const answer = await sealAnswer(answerKey, 200, CONTENT);
    const changed = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, place) => (place === at ? byte ^ 1 : byte));
    for (let at = 0; at < body.length; at += 1) {
      expect(await code(openRequest([secret], TO, changed(body, at))), `byte ${at}`).to.equal("SDK_SEALED");
      expect(await code(openRequest([secret], TO, body.subarray(0, at))), `cut ${at}`).to.equal("SDK_SEALED");
    }
    for (let at = 0; at < answer.length; at += 1) {
      expect(await code(openAnswer(answerKey, 200, changed(answer, at))), `byte ${at}`).to.equal("SDK_SEALED");
      expect(await code(openAnswer(answerKey, 200, answer.subarray(0, at))), `cut ${at}`).to.equal("SDK_SEALED");
    }
  });

  it("answer: opens for its own request and status only", async () => {
    const first = await sealRequest(publicPartOf(secret), TO, CONTENT);
    const second = await sealRequest(publicPartOf(secret), TO, CONTENT);
    const answer = await sealAnswer((await openRequest([secret], TO, first.body)).answerKey, 200, CONTENT);
    const mixed: AnswerKey = { enc: second.answerKey.enc, secret: first.answerKey.secret };
    expect(await Promise.all([code(openAnswer(second.answerKey, 200, answer)), code(openAnswer(mixed, 200, answer)), code(openAnswer(first.answerKey, 201, answer)), code(openAnswer(first.answerKey, 200, answer))])).to.deep.equal(["SDK_SEALED", "SDK_SEALED", "SDK_SEALED", "opened"]);
  });

  it("key: is the agent's that signed it, for one chain and time; what a stranger wrote beside it is passed over", async () => {
    const key = await signSealKey(AGENT_WALLET, OWNER, publicPartOf(secret));
    const other = await createSealSecret(1_000, 2_000);
    const foreign = await signSealKey(Wallet.createRandom(), OWNER, publicPartOf(other));
    expect(isSealKeyOf(OWNER, key)).to.equal(true);
    for (const change of [{ notAfter: 9_999 }, { notBefore: 1 }, { publicKey: other.publicKey, keyId: other.keyId }, { keyId: other.keyId }, { signature: foreign.signature }, { signature: "0x12" }, { publicKey: "!" }]) {
      expect(isSealKeyOf(OWNER, { ...key, ...change }), JSON.stringify(change)).to.equal(false);
    }
    expect(isSealKeyOf({ ...OWNER, chainId: 1 }, key)).to.equal(false);
    expect(readSealKeys([null, 1, { ...key, notAfter: "x" }, key], OWNER)).to.deep.equal([key]);
    expect(readSealKeys([foreign, foreign, foreign, foreign, key], OWNER)).to.deep.equal([]);
    expect([readSealKeys("x", OWNER), readSealKeys(undefined, OWNER)]).to.deep.equal([[], []]);
    expect(await code(sealRequest({ ...key, publicKey: "AAAA" }, TO, CONTENT))).to.equal("SDK_INPUT");
  });

  it("rotation: the newest key that is good now is taken, and while they overlap the old one still opens", async () => {
    const next = await createSealSecret(1_800, 3_000);
    const choose = (now: number): string | undefined => chooseSealKey([next, secret], now)?.keyId;
    expect([999, 1_000, 1_799, 1_800, 1_999, 2_999, 3_000].map(choose)).to.deep.equal([undefined, secret.keyId, secret.keyId, next.keyId, next.keyId, next.keyId, undefined]);
    const { body } = await sealRequest(publicPartOf(secret), TO, CONTENT);
    expect(await code(openRequest([next, secret], TO, body))).to.equal("opened");
    expect(await code(openRequest([next], TO, body))).to.equal("SDK_SEALED");
  });

  it("content type: that is no header's value does not come out, and one that is too long does not go in", async () => {
    const { body } = await sealRequest(publicPartOf(secret), TO, { contentType: "text/plain\r\nx: y", body: new Uint8Array() });
    expect(await code(openRequest([secret], TO, body))).to.equal("SDK_SEALED");
    expect(await code(sealRequest(publicPartOf(secret), TO, { contentType: "x".repeat(256), body: new Uint8Array() }))).to.equal("SDK_INPUT");
  });
});

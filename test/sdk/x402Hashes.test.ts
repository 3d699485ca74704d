import { createHash } from "node:crypto";

import { expect } from "chai";
import { TypedDataEncoder, Wallet } from "ethers";

import {
  ANSWER_DOMAIN, ANSWER_TYPES, answerHash, attestationDigest, bodyDigest, callHash, createTicket, decodeAttestation, decodeTicket, encodeAttestation, encodeTicket,
  formatContentDigest, fromHex, isAttestationSigned, parseContentDigest, requestHash, signAttestation, toHex,
} from "../../sdk/index.ts";
import { createLocalSigner } from "../../sdk/node/index.ts";

const sha256 = (text: string): Uint8Array => createHash("sha256").update(text).digest();
const bytes16 = (start: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => start + i);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return String((error as { code?: string }).code);
  }
  return "none";
};

// The hashes were made by another implementation, written for this purpose from the text of docs/SIDECAR.md.
const FIRST = "0xae223681aa30960987dec8a8e3e3bc88e4d8b1c074d83202213d9a67ae493743";
const SECOND = "0x2910e786fc014e0bd83510a8c7607e2133c35b991c09c9377cb9fd50df5d5692";

describe("x402 hashes", () => {
  it("requestHash: is as frozen for a request without and with a body, and for bytes above 127", () => {
    expect(toHex(requestHash({ method: "GET", target: "/" }))).to.equal(FIRST);
    expect(toHex(requestHash({ method: "POST", target: "/translate?to=de&x=%20", contentType: "application/json", bodyDigest: sha256('{"text":"hello"}') }))).to.equal(SECOND);
    expect(toHex(requestHash({ method: "PUT", target: "/caf\u00e9", contentType: "text/plain", bodyDigest: sha256("x".repeat(5000)) }))).to.equal("0x19811640b0730d8a75eede73f9f8f7a769ccb7989fef997a1595e77bdb47e30c");
  });

  it("requestHash: differs when a part moves into its neighbour", () => {
    const one = toHex(requestHash({ method: "GET", target: "/ab", contentType: "c" }));
    expect(toHex(requestHash({ method: "GET", target: "/a", contentType: "bc" }))).not.to.equal(one);
    expect(toHex(requestHash({ method: "GET/", target: "ab", contentType: "c" }))).not.to.equal(one);
  });

  it("requestHash: is right for a target longer than anything before", () => {
    const target = `/${"q".repeat(20_000)}`;
    const long = toHex(requestHash({ method: "GET", target }));
    expect(long).to.equal(toHex(requestHash({ method: "GET", target })));
    expect(toHex(requestHash({ method: "GET", target: "/" }))).to.equal(FIRST);
    expect(long).not.to.equal(FIRST);
  });

  it("requestHash: refuses what HTTP cannot carry, and digests of another length", () => {
    expect(codeOf(() => requestHash({ method: "GET", target: "/\u20ac" }))).to.equal("SDK_INPUT");
    expect(codeOf(() => requestHash({ method: "GET", target: "/", bodyDigest: new Uint8Array(31) }))).to.equal("SDK_INPUT");
  });

  it("answerHash: is as frozen", () => {
    expect(toHex(answerHash({ requestHash: fromHex(FIRST), status: 200, contentType: "text/html; charset=utf-8", bodyDigest: sha256("<p>hi</p>") }))).to.equal("0x2f3ba0cc1613c1311f696384841199abe16d830b865317630eae69e9d03746c3");
    expect(toHex(answerHash({ requestHash: fromHex(SECOND), status: 404 }))).to.equal("0xeb96ab06bbf35069febc6a16411aa9ac9e54d3d8c34a4c9d7b39a6415a57d22d");
  });

  it("callHash: is as frozen, and refuses tickets and hashes of another length", () => {
    expect(toHex(callHash(fromHex(FIRST), bytes16(0)))).to.equal("0xfb0dc78b95eb3f82117b7f1ba2853e740142ffde65d7c50ae3fc7867dbea4195");
    expect(toHex(callHash(fromHex(SECOND), new Uint8Array(16).fill(255)))).to.equal("0x3259a7ad4e07471b30ba246e913c75aa7f86c0b275276e233aa3e81076aae844");
    expect(codeOf(() => callHash(fromHex(FIRST), new Uint8Array(15)))).to.equal("SDK_INPUT");
    expect(codeOf(() => callHash(new Uint8Array(31), bytes16(0)))).to.equal("SDK_INPUT");
  });

  it("bodyDigest: is sha-256, of nothing too", async () => {
    for (const text of ["", "abc"]) expect(toHex(await bodyDigest(new TextEncoder().encode(text)))).to.equal(toHex(sha256(text)));
  });

  it("ticket: comes back from its text, which Node writes the same way", () => {
    for (const ticket of [...Array.from({ length: 50 }, createTicket), new Uint8Array(16), new Uint8Array(16).fill(255)]) {
      const text = encodeTicket(ticket);
      expect(text).to.equal(Buffer.from(ticket).toString("base64url")).and.have.length(22);
      expect(decodeTicket(text)).to.deep.equal(ticket);
    }
  });

  it("ticket: has one text only; other lengths, alphabets and spare bits are none", () => {
    const text = encodeTicket(bytes16(7));
    for (const wrong of ["", text.slice(1), `${text}A`, `${text.slice(0, 21)}=`, `+${text.slice(1)}`, `\u0141${text.slice(1)}`, `${text.slice(0, 21)}${String.fromCharCode(text.charCodeAt(21) + 1)}`]) expect(decodeTicket(wrong), wrong).to.equal(undefined);
  });

  it("Content-Digest: is read as RFC 9530 writes it, among others and with parameters", () => {
    const digest = sha256('{"hello": "world"}\n');
    expect(formatContentDigest(digest)).to.equal("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
    const sha512 = "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";
    for (const header of [formatContentDigest(digest), `${sha512}, ${formatContentDigest(digest)}`, `${formatContentDigest(digest)};x=1`]) expect(parseContentDigest(header), header).to.deep.equal(Uint8Array.from(digest));
  });

  it("Content-Digest: is none when it is missing, broken, or of another kind", () => {
    const sha = formatContentDigest(sha256("a"));
    const broken = [undefined, "", "sha-256", "sha-256=abc", "sha-256=::", sha.replace("sha-256", "sha-512"), sha.slice(0, -1), `${sha}, junk`, "sha-256=:AAAA:", `sha-256=:${"A".repeat(44)}:`, `sha-256=:${"A".repeat(42)}==:`, `${sha},${" ".repeat(2000)}${sha}`];
    for (const header of broken) expect(parseContentDigest(header), header).to.equal(undefined);
  });
});

describe("x402 attestation", () => {
  const signer = createLocalSigner(new Uint8Array(32).fill(9));
  const attested = {
    requestHash: fromHex(FIRST), answerHash: fromHex("0x2f3ba0cc1613c1311f696384841199abe16d830b865317630eae69e9d03746c3"), payment: "call:7", time: 1_800_000_000,
  };

  it("attestationDigest: is as frozen, and what wallets sign", () => {
    const frozen = "0x3525ef10fa70b034a019f41f8b70a5720f420e3f47efb20552bfd8eb5c1fb25c";
    expect(toHex(attestationDigest(31337, attested))).to.equal(frozen);
    const types = { Answer: ANSWER_TYPES.Answer.map((field) => ({ ...field })) };
    expect(TypedDataEncoder.hash({ ...ANSWER_DOMAIN, chainId: 31337 }, types, { ...attested, requestHash: toHex(attested.requestHash), answerHash: toHex(attested.answerHash) })).to.equal(frozen);
  });

  it("attestation: comes back from its header and is signed by whom it names", async () => {
    const header = encodeAttestation(await signAttestation(31337, attested, signer));
    expect(header).to.match(/^[A-Za-z0-9_-]+$/);
    const read = decodeAttestation(header);
    expect(read).to.deep.include(attested);
    expect(read.signer).to.equal(new Wallet(`0x${"09".repeat(32)}`).address.toLowerCase());
    expect(isAttestationSigned(31337, read)).to.equal(true);
  });

  it("attestation: is not signed when any of its parts, the chain or the signer is another", async () => {
    const read = await signAttestation(31337, attested, signer);
    const other = fromHex(SECOND);
    for (const change of [{ requestHash: other }, { answerHash: other }, { payment: "call:8" }, { time: 1 }, { signer: `0x${"11".repeat(20)}` }, { signature: new Uint8Array(64) }, { signature: new Uint8Array(63) }]) {
      expect(isAttestationSigned(31337, { ...read, ...change }), Object.keys(change)[0]).to.equal(false);
    }
    expect(isAttestationSigned(1, read)).to.equal(false);
  });

  it("attestation: refuses headers that are no such thing", () => {
    const asHeader = (json: string): string => Buffer.from(json).toString("base64url");
    for (const header of ["", "%%%", "A", asHeader("no json"), asHeader("{}"), asHeader('{"requestHash":1}'), "A".repeat(3000)]) expect(codeOf(() => decodeAttestation(header)), header.slice(0, 20)).to.equal("SDK_PAYMENT");
  });
});

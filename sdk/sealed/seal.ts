import { fromHex, toHex } from "../../core/codec/hex.ts";
import { sdkError } from "../SdkError.ts";
import type { SealKey } from "./sealKey.ts";
import { importPrivate, importPublic } from "./SealSecret.ts";
import type { SealSecret } from "./SealSecret.ts";
import { ANSWER_CONTEXT, ENC_BYTES, fieldsOf, INFO, plain, SECRET_BYTES, suite, TAG_BYTES } from "./suite.ts";

/** Content type of sealed bodies, both ways. */
export const SEALED_TYPE = "application/agnt2-sealed";

const REQUEST_VERSION = 2;
const ANSWER_VERSION = 1;
const PAYER_BYTES = 20;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const HEAD_BYTES = 1 + KEY_ID_BYTES + ENC_BYTES;
const ANSWER_HEAD_BYTES = 1 + SECRET_BYTES;
const MAX_TYPE = 255;

/** What a sealed request is bound to: it opens nowhere else. */
export interface SealedFor {
  /** Upper case. */
  readonly method: string;
  /** Path and query as in the request line. */
  readonly target: string;
  /** The agent's own address. */
  readonly seller: string;
  /**
   * Sealing: the address that pays, so that nobody else can have it worked on by paying for it; undefined: whoever pays. Opening: who has paid;
   * undefined: nobody had to.
   */
  readonly payer?: string | undefined;
}

/** A body with its type. */
export interface SealedContent {
  /** Empty: none. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What the answer to one request is sealed with: both sides have it, nobody else. Secret. */
export interface AnswerKey {
  readonly enc: Uint8Array;
  readonly secret: Uint8Array;
}

function aadOf({ method, target, seller }: SealedFor): Uint8Array<ArrayBuffer> {
  return fieldsOf("agnt2/sealed-request/2", method, target, seller.toLowerCase());
}

/** type length ‖ type ‖ body. */
function pack({ contentType, body }: SealedContent): Uint8Array<ArrayBuffer> {
  const type = new TextEncoder().encode(contentType);
  if (type.length > MAX_TYPE) throw sdkError("SDK_INPUT", `the content type is longer than ${MAX_TYPE} bytes`);
  const bytes = new Uint8Array(1 + type.length + body.length);
  bytes[0] = type.length;
  bytes.set(type, 1);
  bytes.set(body, 1 + type.length);
  return bytes;
}

function unpack(bytes: Uint8Array): SealedContent {
  const length = bytes[0] ?? 0;
  if (bytes.length < 1 + length) throw sdkError("SDK_SEALED", "what was sealed is too short");
  const contentType = new TextDecoder().decode(bytes.subarray(1, 1 + length));
  // It becomes a header.
  if (!/^[\x20-\x7e]*$/.test(contentType)) throw sdkError("SDK_SEALED", "its content type is no header's value");
  return { contentType, body: bytes.subarray(1 + length) };
}

/** payer ‖ content. Within the seal, so that a request that turns out to be free tells nobody else who made it. */
function packRequest({ payer }: SealedFor, content: SealedContent): Uint8Array<ArrayBuffer> {
  const packed = pack(content);
  const bytes = new Uint8Array(PAYER_BYTES + packed.length);
  if (payer !== undefined) bytes.set(fromHex(payer, PAYER_BYTES));
  bytes.set(packed, PAYER_BYTES);
  return bytes;
}

/** @throws SdkError `SDK_SEALED` when another has paid than the one it was sealed for */
function unpackRequest({ payer }: SealedFor, bytes: Uint8Array): SealedContent {
  const named = bytes.subarray(0, PAYER_BYTES);
  const isAnybodys = named.every((byte) => byte === 0);
  if (payer !== undefined && !isAnybodys && toHex(named) !== payer.toLowerCase()) throw sdkError("SDK_SEALED", "it was sealed to be paid for by another");
  return unpack(bytes.subarray(PAYER_BYTES));
}

/**
 * Seals a request's body to an agent's key. Body: version (1) ‖ key id (8) ‖ encapsulated key (32) ‖ ciphertext; method, target and the
 * agent's address are authenticated with it, and who pays.
 * @throws SdkError `SDK_INPUT` for a key that is none
 */
export async function sealRequest(key: SealKey, to: SealedFor, content: SealedContent): Promise<{ readonly body: Uint8Array; readonly answerKey: AnswerKey }> {
  const packed = packRequest(to, content);
  let context: Awaited<ReturnType<typeof suite.createSenderContext>>;
  try {
    context = await suite.createSenderContext({ recipientPublicKey: await importPublic(key), info: INFO });
  } catch (error) {
    throw sdkError("SDK_INPUT", "the agent's seal key is no X25519 key", {}, error);
  }
  const sealed = new Uint8Array(await context.seal(packed, aadOf(to)));
  const enc = new Uint8Array(context.enc);
  const body = new Uint8Array(HEAD_BYTES + sealed.length);
  body[0] = REQUEST_VERSION;
  body.set(fromHex(key.keyId, KEY_ID_BYTES), 1);
  body.set(enc, 1 + KEY_ID_BYTES);
  body.set(sealed, HEAD_BYTES);
  return { body, answerKey: { enc, secret: new Uint8Array(await context.export(ANSWER_CONTEXT, SECRET_BYTES)) } };
}

/**
 * Opens a request's body.
 * @param secrets every key that is still taken, in any order
 * @throws SdkError `SDK_SEALED`: another key, another target, another payer, changed or cut
 */
export async function openRequest(secrets: readonly SealSecret[], to: SealedFor, body: Uint8Array): Promise<{ readonly content: SealedContent; readonly answerKey: AnswerKey }> {
  if (body.length < HEAD_BYTES + TAG_BYTES + PAYER_BYTES + 1 || body[0] !== REQUEST_VERSION) throw sdkError("SDK_SEALED", "it is no sealed body of this version");
  const keyId = toHex(body.subarray(1, 1 + KEY_ID_BYTES));
  const secret = secrets.find((each) => each.keyId === keyId);
  if (secret === undefined) throw sdkError("SDK_SEALED", "it is sealed to a key that is not, or no longer, taken", { keyId });
  const enc = plain(body.subarray(1 + KEY_ID_BYTES, HEAD_BYTES));
  try {
    const context = await suite.createRecipientContext({ recipientKey: await importPrivate(secret), enc, info: INFO });
    const opened = new Uint8Array(await context.open(plain(body.subarray(HEAD_BYTES)), aadOf(to)));
    return { content: unpackRequest(to, opened), answerKey: { enc, secret: new Uint8Array(await context.export(ANSWER_CONTEXT, SECRET_BYTES)) } };
  } catch (error) {
    // The library's reasons say nothing more, and nobody is to learn which check it was.
    throw sdkError("SDK_SEALED", "it was sealed for another target, agent or payer, or changed on the way", {}, error);
  }
}

/** Key and nonce of an answer, as RFC 9458 section 4.4 derives them. */
async function answerCipher({ enc, secret }: AnswerKey, random: Uint8Array) {
  const salt = new Uint8Array(enc.length + random.length);
  salt.set(enc);
  salt.set(random, enc.length);
  const base = await crypto.subtle.importKey("raw", plain(secret), "HKDF", false, ["deriveBits", "deriveKey"]);
  const derivation = (info: string) => ({ name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode(info) });
  const [key, iv] = await Promise.all([
    crypto.subtle.deriveKey(derivation("key"), base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]),
    crypto.subtle.deriveBits(derivation("nonce"), base, 8 * NONCE_BYTES),
  ]);
  return { key, iv };
}

function answerAad(status: number): Uint8Array<ArrayBuffer> {
  return fieldsOf("agnt2/sealed-answer/1", String(status));
}

/** Seals an answer: version (1) ‖ random (32) ‖ ciphertext; its status is authenticated with it. */
export async function sealAnswer(answerKey: AnswerKey, status: number, content: SealedContent): Promise<Uint8Array> {
  const random = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const { key, iv } = await answerCipher(answerKey, random);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: answerAad(status) }, key, pack(content)));
  const body = new Uint8Array(ANSWER_HEAD_BYTES + sealed.length);
  body[0] = ANSWER_VERSION;
  body.set(random, 1);
  body.set(sealed, ANSWER_HEAD_BYTES);
  return body;
}

/** @throws SdkError `SDK_SEALED`: not the answer to that request, changed or cut */
export async function openAnswer(answerKey: AnswerKey, status: number, body: Uint8Array): Promise<SealedContent> {
  if (body.length < ANSWER_HEAD_BYTES + TAG_BYTES + 1 || body[0] !== ANSWER_VERSION) throw sdkError("SDK_SEALED", "it is no sealed answer of this version");
  const { key, iv } = await answerCipher(answerKey, body.subarray(1, ANSWER_HEAD_BYTES));
  let opened: ArrayBuffer;
  try {
    opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData: answerAad(status) }, key, plain(body.subarray(ANSWER_HEAD_BYTES)));
  } catch (error) {
    throw sdkError("SDK_SEALED", "it was not sealed in answer to this request, or changed on the way", {}, error);
  }
  return unpack(new Uint8Array(opened));
}

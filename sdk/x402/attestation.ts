import { z } from "zod";

import { hashText, typedDigest } from "../../core/codec/bundle.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { recoverSigner } from "../../core/codec/signature.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { sdkError } from "../SdkError.ts";
import { fromBase64Url, toBase64Url } from "./base64.ts";
import { requireLength } from "./fields.ts";

/** Name of the header, and of the trailer of a streamed answer. */
export const ATTESTATION_HEADER = "Agnt2-Attestation";

/** What a seller says: this request got this answer for this payment. */
export interface Attested {
  /** 32 bytes each. */
  readonly requestHash: Uint8Array;
  readonly answerHash: Uint8Array;
  /** Payment key of docs/SIDECAR.md section 3. */
  readonly payment: string;
  /** Unix seconds. */
  readonly time: number;
}

export interface Attestation extends Attested {
  /** Lower case: the agent's own key or its session key. */
  readonly signer: string;
  /** r ‖ vs, 64 bytes (EIP-2098). */
  readonly signature: Uint8Array;
}

/** Signs digests; `ChannelSigner` and `runtime/crypto/secp` fit. */
export interface DigestSigner {
  /** 20 bytes. */
  readonly address: Uint8Array;
  /** 64 bytes in the compact form of EIP-2098. */
  sign(digest32: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

export const ANSWER_DOMAIN = { name: "agnt2 sidecar", version: "1" } as const;
/** Fields of the EIP-712 type `Answer`, as wallets want them. */
export const ANSWER_TYPES = {
  Answer: [
    { name: "requestHash", type: "bytes32" },
    { name: "answerHash", type: "bytes32" },
    { name: "payment", type: "string" },
    { name: "time", type: "uint64" },
  ],
} as const;

const DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId)";
const ANSWER_TYPE = "Answer(bytes32 requestHash,bytes32 answerHash,string payment,uint64 time)";
const LONGEST_HEADER_CHARS = 2_048;

const bytes32 = z.string().regex(/^0x[0-9a-f]{64}$/);
const attestationSchema = z.strictObject({
  requestHash: bytes32,
  answerHash: bytes32,
  payment: z.string().max(300),
  time: z.int().min(0),
  signer: z.string().regex(/^0x[0-9a-f]{40}$/),
  signature: z.string().regex(/^0x[0-9a-f]{128}$/),
});

function setNumber(words: Uint8Array, end: number, value: number): void {
  let rest = BigInt(value);
  for (let i = end - 1; rest > 0n; i -= 1, rest >>= 8n) words[i] = Number(rest & 255n);
}

const separators = new Map<number, Uint8Array>();

/** One chain, at most a few. */
function separatorOf(chainId: number): Uint8Array {
  const known = separators.get(chainId);
  if (known !== undefined) return known;
  const words = new Uint8Array(128);
  words.set(hashText(DOMAIN_TYPE), 0);
  words.set(hashText(ANSWER_DOMAIN.name), 32);
  words.set(hashText(ANSWER_DOMAIN.version), 64);
  setNumber(words, 128, chainId);
  const separator = keccak256(words);
  separators.set(chainId, separator);
  return separator;
}

const answerType = hashText(ANSWER_TYPE);

/** The 32 bytes that are signed. @param chainId of the L1 */
export function attestationDigest(chainId: number, { requestHash, answerHash, payment, time }: Attested): Uint8Array {
  requireLength(requestHash, 32, "a request hash");
  requireLength(answerHash, 32, "an answer hash");
  const words = new Uint8Array(160);
  words.set(answerType, 0);
  words.set(requestHash, 32);
  words.set(answerHash, 64);
  words.set(keccak256(new TextEncoder().encode(payment)), 96);
  setNumber(words, 160, time);
  return typedDigest(separatorOf(chainId), keccak256(words));
}

/** @param chainId of the L1 */
export async function signAttestation(chainId: number, attested: Attested, signer: DigestSigner): Promise<Attestation> {
  return { ...attested, signer: toHex(signer.address), signature: await signer.sign(attestationDigest(chainId, attested)) };
}

/** Whether it is signed by the one it names; whose key that is, the caller knows. */
export function isAttestationSigned(chainId: number, attestation: Attestation): boolean {
  const { signature, signer } = attestation;
  if (signature.length !== 64) return false;
  const found = recoverSigner(attestationDigest(chainId, attestation), signature.subarray(0, 32), signature.subarray(32));
  return found !== null && toHex(found) === signer;
}

/** Value of the header: JSON in base64url. */
export function encodeAttestation({ requestHash, answerHash, payment, time, signer, signature }: Attestation): string {
  return toBase64Url(JSON.stringify({ requestHash: toHex(requestHash), answerHash: toHex(answerHash), payment, time, signer, signature: toHex(signature) }));
}

/** @throws SdkError `SDK_PAYMENT` */
export function decodeAttestation(header: string): Attestation {
  const text = header.length > LONGEST_HEADER_CHARS ? undefined : fromBase64Url(header);
  if (text === undefined) throw sdkError("SDK_PAYMENT", "the attestation is no base64url");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw sdkError("SDK_PAYMENT", "the attestation is no JSON", {}, error);
  }
  const { success, data } = attestationSchema.safeParse(json);
  if (!success) throw sdkError("SDK_PAYMENT", "the attestation has other fields than it should have");
  return { ...data, requestHash: fromHex(data.requestHash, 32), answerHash: fromHex(data.answerHash, 32), signature: fromHex(data.signature, 64) };
}

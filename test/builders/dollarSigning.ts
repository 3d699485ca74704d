import { Signature, hexlify, randomBytes } from "ethers";
import type { TypedDataDomain, TypedDataField } from "ethers";

/** What is signed for one payment by EIP-3009; amounts in base units, times in unix seconds. */
export interface DollarAuthorization {
  readonly from: string;
  readonly to: string;
  readonly value: bigint;
  readonly validAfter: number;
  readonly validBefore: number;
  /** 32 bytes as 0x-hexadecimal text. */
  readonly nonce: string;
}

interface TypedSigner {
  readonly address: string;
  signTypedData(domain: TypedDataDomain, types: Record<string, TypedDataField[]>, value: Record<string, unknown>): Promise<string>;
}

const TRANSFER = ["address from", "address to", "uint256 value", "uint256 validAfter", "uint256 validBefore", "bytes32 nonce"];
const FIELDS = {
  TransferWithAuthorization: TRANSFER,
  ReceiveWithAuthorization: TRANSFER,
  CancelAuthorization: ["address authorizer", "bytes32 nonce"],
} as const;

export type DollarMessage = keyof typeof FIELDS;

export const DOLLAR_NAME = "Test Dollar";
export const DOLLAR_VERSION = "1";

export function dollarDomain(token: string, chainId: number | bigint): TypedDataDomain {
  return { name: DOLLAR_NAME, version: DOLLAR_VERSION, chainId, verifyingContract: token };
}

/** 65 bytes over one of the token's messages. */
export async function signDollar(signer: TypedSigner, domain: TypedDataDomain, message: DollarMessage, value: Readonly<Record<string, unknown>>): Promise<string> {
  const types = FIELDS[message].map((field) => ({ type: field.split(" ")[0]!, name: field.split(" ")[1]! }));
  return await signer.signTypedData(domain, { [message]: types }, { ...value });
}

export const freshNonce = (): string => hexlify(randomBytes(32));

/** The signature that has the same r and the other s: what a malleable check would take for a second one. */
export function otherHalf(signature: string): { v: number; r: string; s: string } {
  const { r, s, v } = Signature.from(signature);
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  return { v: v === 27 ? 28 : 27, r, s: `0x${(order - BigInt(s)).toString(16).padStart(64, "0")}` };
}

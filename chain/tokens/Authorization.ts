import { Interface, Signature, getAddress } from "ethers";

/** A payment by signature (EIP-3009). Amounts are base units, times unix seconds; both bounds are exclusive. */
export interface Authorization {
  /** Checksummed. */
  readonly from: string;
  /** Checksummed. */
  readonly to: string;
  readonly value: bigint;
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  /** 32 bytes as 0x-hexadecimal text, lower case. */
  readonly nonce: string;
}

export interface SignedAuthorization extends Authorization {
  /** 65 bytes of an account, or whatever a contract takes (ERC-1271), as 0x-hexadecimal text. */
  readonly signature: string;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const BYTES_32 = /^0x[0-9a-fA-F]{64}$/;
/** Contracts' signatures may be long; nobody's is longer than this. */
const SIGNATURE = /^0x(?:[0-9a-fA-F]{2}){1,4096}$/;
const AMOUNT = /^(?:0|[1-9][0-9]{0,77})$/;
const MAX_UINT256 = 2n ** 256n - 1n;
const ECDSA_CHARACTERS = 2 + 2 * 65;

const TOKEN = new Interface([
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)",
]);

function amountOf(value: unknown): bigint | undefined {
  if (typeof value !== "string" || !AMOUNT.test(value)) return undefined;
  const amount = BigInt(value);
  return amount <= MAX_UINT256 ? amount : undefined;
}

/** Addresses in one case throughout are taken; a mixed case has to be the checksum. */
function addressOf(value: unknown): string | undefined {
  if (typeof value !== "string" || !ADDRESS.test(value)) return undefined;
  try {
    return getAddress(value);
  } catch {
    return undefined;
  }
}

/** Reads what x402's `exact` carries on an EVM chain, `{ authorization, signature }`; undefined when it is anything else. Amounts are decimal texts. */
export function parseAuthorization(payload: unknown): SignedAuthorization | undefined {
  if (typeof payload !== "object" || payload === null) return undefined;
  const { authorization, signature } = payload as Record<string, unknown>;
  if (typeof authorization !== "object" || authorization === null) return undefined;
  if (typeof signature !== "string" || !SIGNATURE.test(signature)) return undefined;
  const fields = authorization as Record<string, unknown>;
  const [from, to] = [addressOf(fields["from"]), addressOf(fields["to"])];
  const [value, validAfter, validBefore] = [amountOf(fields["value"]), amountOf(fields["validAfter"]), amountOf(fields["validBefore"])];
  const nonce = fields["nonce"];
  if (from === undefined || to === undefined || value === undefined || validAfter === undefined || validBefore === undefined) return undefined;
  if (typeof nonce !== "string" || !BYTES_32.test(nonce)) return undefined;
  return { from, to, value, validAfter, validBefore, nonce: nonce.toLowerCase(), signature };
}

/**
 * Calldata that plays an authorization: with v, r and s for 65 bytes, as every token of this kind has it, and as bytes for the signatures of
 * contracts.
 * @returns undefined for 65 bytes that are no signature of an account
 */
export function encodeTransfer({ from, to, value, validAfter, validBefore, nonce, signature }: SignedAuthorization): string | undefined {
  const fields = [from, to, value, validAfter, validBefore, nonce] as const;
  if (signature.length !== ECDSA_CHARACTERS) {
    return TOKEN.encodeFunctionData("transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)", [...fields, signature]);
  }
  let parts: readonly [v: number, r: string, s: string];
  try {
    const { v, r, s } = Signature.from(signature);
    parts = [v, r, s];
  } catch {
    return undefined; // No v of an account, or the half of the curve that tokens refuse.
  }
  return TOKEN.encodeFunctionData("transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)", [...fields, ...parts]);
}

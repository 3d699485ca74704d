import { getAddress, verifyTypedData } from "ethers";

import { fromHex, toHex } from "../../core/codec/hex.ts";
import { fromBase64Url, toBase64Url } from "../sealed/base64Url.ts";
import type { SealKeyOwner, StatementSigner } from "../sealed/sealKey.ts";
import { cardDigest } from "./agentCard.ts";
import type { AgentCard, CardSignature } from "./agentCard.ts";
import { canonicalJson } from "./canonicalJson.ts";

/** `alg` of our signatures among a card's `signatures`: a verifier of JWS that does not know it passes the entry over. */
const ALGORITHM = "EIP712";
const TYPES = { AgentCard: [{ name: "agent", type: "address" }, { name: "card", type: "bytes32" }] };
const MAX_SIGNATURES = 8;

function statementOf({ address, chainId }: SealKeyOwner, digest: string) {
  return { domain: { name: "agnt2 agent card", version: "1", chainId }, value: { agent: getAddress(address), card: digest } };
}

/** The card with the agent's signature (EIP-712) of its digest beside those that it has. */
export async function signAgentCard(signer: StatementSigner, owner: SealKeyOwner, card: AgentCard): Promise<AgentCard> {
  const { domain, value } = statementOf(owner, cardDigest(card));
  const signature = fromHex(await signer.signTypedData(domain, TYPES, value), 65);
  const header = { alg: ALGORITHM, kid: `eip155:${owner.chainId}:${owner.address.toLowerCase()}`, typ: "agnt2-card+1" };
  const entry: CardSignature = { protected: toBase64Url(new TextEncoder().encode(canonicalJson(header))), signature: toBase64Url(signature), header: undefined };
  return { ...card, signatures: [...card.signatures, entry] };
}

function isSignedBy(owner: SealKeyOwner, digest: string, entry: unknown): boolean {
  if (typeof entry !== "object" || entry === null) return false;
  const { protected: head, signature } = entry as { readonly protected?: unknown; readonly signature?: unknown };
  // 65 bytes are 87 letters.
  if (typeof head !== "string" || head.length > 512 || typeof signature !== "string" || signature.length !== 87) return false;
  try {
    const { alg } = JSON.parse(new TextDecoder().decode(fromBase64Url(head))) as { readonly alg?: unknown };
    if (alg !== ALGORITHM) return false;
    const { domain, value } = statementOf(owner, digest);
    return verifyTypedData(domain, TYPES, value, toHex(fromBase64Url(signature))).toLowerCase() === owner.address.toLowerCase();
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** Whether the agent has signed this card. */
export function isCardSignedBy(owner: SealKeyOwner, card: Readonly<Record<string, unknown>> | AgentCard): boolean {
  const { signatures } = card as { readonly signatures?: unknown };
  if (!Array.isArray(signatures)) return false;
  const digest = cardDigest(card);
  return signatures.slice(0, MAX_SIGNATURES).some((entry) => isSignedBy(owner, digest, entry));
}

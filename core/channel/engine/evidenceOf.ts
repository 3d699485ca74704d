import { voucherDigest } from "../digests.ts";
import type { CloseAgreement } from "./CloseAgreement.ts";
import type { EngineContext } from "./EngineContext.ts";
import type { Evidence, SignedGrant, SignedVoucher } from "./Evidence.ts";
import { sumOfLocks } from "./OpenLock.ts";
import type { Payee } from "./Payee.ts";
import { sameBytes } from "./runningHash.ts";

/** The best that this side can enforce: for the chain, and for its tower. */
export function evidenceOf(context: EngineContext, payee: Payee, closes: CloseAgreement): Evidence {
  const { base, channelId } = context;
  const { held } = payee;
  const grants: SignedGrant[] = [];
  const add = (grant: SignedGrant | undefined): void => {
    if (grant !== undefined && !grants.includes(grant)) grants.push(grant);
  };
  let voucher: SignedVoucher | undefined;
  if (held !== undefined) {
    const { version, sequence, paid, locksHash, hash, signature } = held.calls;
    const fields = { payer: context.other, version, sequence, paid, locksHash: locksHash.slice(), callsHash: hash.slice() };
    voucher = { voucher: fields, locks: payee.state.locks, signature: signature.slice(), signer: held.signer, digest: voucherDigest(context.separator, channelId, fields) };
    add(held.grant);
  }
  if (base !== undefined) for (const side of [0, 1] as const) if (base.grants[side] !== undefined && sameBytes(base.signers[side], base.grants[side].grant.key)) add(base.grants[side]);
  const { closing } = closes;
  const isCloseSigned = closing !== undefined && closing.signatures.every(({ length }) => length > 0);
  if (isCloseSigned) for (const side of [0, 1] as const) if (!sameBytes(closing.signers[side], context.principals[side])) add(context.sessions[side]);
  return {
    channelId, base, voucher, needsEndorsement: voucher !== undefined && sumOfLocks(voucher.locks) > 0, grants, close: isCloseSigned ? { close: closing.value, signatures: closing.signatures } : undefined, validUntil: grants.length === 0 ? undefined : Math.min(...grants.map(({ grant }) => grant.expiry)),
  };
}

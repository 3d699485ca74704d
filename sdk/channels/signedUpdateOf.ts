import type { PartySignature, SignedUpdate } from "../../chain/channels/SignedState.ts";
import type { ChannelConfig, Evidence, Side } from "../../core/channel/index.ts";
import { toHex } from "../../core/codec/hex.ts";

/** A signature with the grant of the key that made it; without one if the party itself did. */
function signatureOf({ grants }: Evidence, config: ChannelConfig, side: Side, signer: Uint8Array, signature: Uint8Array): PartySignature {
  const key = toHex(signer);
  if (toHex(side === 0 ? config.partyA : config.partyB) === key) return { signature };
  const found = grants.filter((each) => each.side === side && toHex(each.grant.key) === key).at(-1);
  return found === undefined ? { signature } : { signature, grant: { ...found.grant, signature: found.signature } };
}

/**
 * What a side can enforce, as it is handed in on chain; empty when there is nothing.
 * @param endorsement this side's signature over the voucher's digest, where `evidence.needsEndorsement` and somebody else hands it in
 */
export function signedUpdateOf(evidence: Evidence, config: ChannelConfig, endorsement?: Uint8Array): SignedUpdate {
  const { base, voucher } = evidence;
  return {
    ...(base === undefined
      ? {}
      : { base: { ...base.base, signatures: [signatureOf(evidence, config, 0, base.signers[0], base.signatures[0]), signatureOf(evidence, config, 1, base.signers[1], base.signatures[1])] as const } }),
    vouchers:
      voucher === undefined
        ? []
        : [
            {
              ...voucher.voucher,
              locks: voucher.locks,
              by: signatureOf(evidence, config, voucher.voucher.payer, voucher.signer, voucher.signature),
              ...(endorsement === undefined ? {} : { endorsement: { signature: endorsement } }),
            },
          ],
  };
}

export function isEmptyUpdate({ base, vouchers = [] }: SignedUpdate): boolean {
  return base === undefined && vouchers.length === 0;
}

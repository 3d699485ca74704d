import { Signature, getBytes } from "ethers";

import { receiptDigest, sealedReceiptDigest, TOWER_EIP712, towerDomainSeparator } from "../../../chain/tower/towerDigests.ts";
import type { SealedRef } from "../../../chain/tower/towerDigests.ts";
import { writeReceipt } from "../../../chain/tower/towerJson.ts";
import type { TowerDomain, TowerReceipt } from "../../../chain/tower/TowerState.ts";
import { toHex } from "../../../core/codec/hex.ts";
import type { KeySigner, LocalKeySigner } from "../../../runtime/keystore/KeySigner.ts";
import { typedFields } from "./typedFields.ts";

/** Signs what the tower promises; 64 bytes each. */
export interface ReceiptSigner {
  readonly address: string;
  signReceipt(receipt: TowerReceipt): Promise<Uint8Array>;
  signSealedReceipt(sealed: SealedRef): Promise<Uint8Array>;
}

const DOMAIN_FIELDS = typedFields("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

function isLocal(signer: KeySigner): signer is LocalKeySigner {
  return signer.kind === "local";
}

/** A key in this process signs the digest; an external signer is shown the typed data. */
export function createReceiptSigner(signer: KeySigner, domain: TowerDomain): ReceiptSigner {
  const separator = towerDomainSeparator(domain);
  const typed = async (primaryType: "Receipt" | "SealedReceipt", message: Record<string, unknown>): Promise<Uint8Array> => {
    const { name, version } = TOWER_EIP712;
    const signature = await signer.signTypedData({
      domain: { name, version, chainId: domain.chainId, verifyingContract: toHex(domain.towerBond) },
      types: { EIP712Domain: DOMAIN_FIELDS, [primaryType]: typedFields(TOWER_EIP712[primaryType]) },
      primaryType,
      message,
    });
    return getBytes(Signature.from(signature).compactSerialized);
  };
  return {
    address: signer.address,
    signReceipt: async (receipt) => (isLocal(signer) ? signer.signDigest(receiptDigest(separator, receipt)) : await typed("Receipt", { ...writeReceipt(receipt) })),
    signSealedReceipt: async (sealed) =>
      isLocal(signer)
        ? signer.signDigest(sealedReceiptDigest(separator, sealed))
        : await typed("SealedReceipt", { locator: toHex(sealed.locator), bodyHash: toHex(sealed.bodyHash), until: sealed.until }),
  };
}

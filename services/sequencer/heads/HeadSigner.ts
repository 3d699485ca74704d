import { Signature, getBytes } from "ethers";

import { headDigest, rootDigest } from "../../../core/codec/heads.ts";
import { fromHex, toHex } from "../../../core/codec/hex.ts";
import { EIP712 } from "../../../core/generated/protocol.ts";
import type { Clock } from "../../../runtime/clock/Clock.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import { SequencerError } from "../SequencerError.ts";
import type { KeySigner, LocalKeySigner, TypedData } from "../../../runtime/keystore/KeySigner.ts";

const RETRY_MS = 500;

/** Signs what the sequencer promises. 64 bytes each, EIP-2098. A signer that is away is asked again until it answers. */
export interface HeadSigner {
  /** True while it does not answer. */
  readonly isAway: boolean;
  /** Asks no more: what is asked for now fails when the signer is away. */
  abandon(): void;
  /** EIP-712 `Head(slot, position, head)`; the slot is 0 on a chain without operators. */
  signHead(slot: number, position: number, head: Uint8Array): Promise<Uint8Array> | Uint8Array;
  /** EIP-712 `Root(position, batchCount, stateRoot)`. */
  signRoot(position: number, batchCount: number, stateRoot: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** Which chain the signatures are for. */
export interface SigningDomain {
  readonly separator: Uint8Array;
  readonly chainId: number;
  readonly inbox: string;
}

/** "uint64 slot,uint64 position" of a type text as the fields of typed data. */
function fieldsOf(type: string): { name: string; type: string }[] {
  return type.slice(type.indexOf("(") + 1, -1).split(",").map((field) => {
    const [kind, name] = field.split(" ");
    return { type: kind ?? "", name: name ?? "" };
  });
}

/** A key in this process signs digests; one elsewhere is given the whole message, which it can show and check. */
export function createHeadSigner(signer: KeySigner | LocalKeySigner, { separator, chainId, inbox }: SigningDomain, clock: Clock, logger: Logger): HeadSigner {
  if ("signDigest" in signer) {
    return {
      isAway: false,
      abandon: () => undefined,
      signHead: (slot, position, head) => signer.signDigest(headDigest(separator, slot, position, head)),
      signRoot: (position, batchCount, stateRoot) => signer.signDigest(rootDigest(separator, position, batchCount, stateRoot)),
    };
  }
  const domain = { name: "agnt2", version: "1", chainId, verifyingContract: toHex(fromHex(inbox, 20)) };
  let isAway = false;
  const abandoned = new AbortController();
  const sign = async (primaryType: "Head" | "Root", message: TypedData["message"]): Promise<Uint8Array> => {
    for (;;) {
      try {
        const signature = await signer.signTypedData({ domain, types: { [primaryType]: fieldsOf(EIP712[primaryType]) }, primaryType, message });
        if (isAway) logger.info("the signer answers again");
        isAway = false;
        return getBytes(Signature.from(signature).compactSerialized);
      } catch (error) {
        if ((error as { reaction?: string }).reaction !== "retry") throw error;
        if (!isAway) logger.error({ err: toError(error) }, "the signer does not answer: nothing is acknowledged until it does");
        isAway = true;
        await clock.sleep(RETRY_MS, abandoned.signal);
      }
    }
  };
  return {
    get isAway() {
      return isAway;
    },
    abandon: () => abandoned.abort(new SequencerError("sequencer/signerAway", {}, "retry", { what: "The signer did not answer until the end", todo: "Start again when it does; what was not signed was not acknowledged" })),
    signHead: (slot, position, head) => sign("Head", { slot: String(slot), position: String(position), head: toHex(head) }),
    signRoot: (position, batchCount, stateRoot) => sign("Root", { position: String(position), batchCount: String(batchCount), stateRoot: toHex(stateRoot) }),
  };
}

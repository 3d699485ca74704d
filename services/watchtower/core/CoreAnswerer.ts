import { Contract, Signature, getBytes } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { inboxAbi } from "../../../chain/generated/abi/Inbox.ts";
import type { Intent } from "../../../chain/transactions/intent.ts";
import { bundleDigest, domainSeparator, recordsHash } from "../../../core/codec/bundle.ts";
import { encodeHeader } from "../../../core/codec/header.ts";
import { fromHex } from "../../../core/codec/hex.ts";
import { AUTH, EIP712, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import type { KeySigner, LocalKeySigner } from "../../../runtime/keystore/KeySigner.ts";
import { TowerError } from "../TowerError.ts";
import { typedFields } from "../intake/typedFields.ts";
import type { CoreChannels } from "./CoreChannels.ts";

export interface CoreAnswererOptions {
  readonly channels: CoreChannels;
  readonly sequencerUrl: string;
  readonly chainId: number;
  readonly inbox: string;
  /** Owner of the tower's account in Layer Core; the first lane's key, so that it may force too. */
  readonly signer: KeySigner;
}

const TIMEOUT_MS = 10_000;
const DAY_SECONDS = 86_400;
/** A forced bundle waits for its due time, and batches may lag a day. */
const FORCED_VALID_SECONDS = 4 * DAY_SECONDS;

function isLocal(signer: KeySigner): signer is LocalKeySigner {
  return signer.kind === "local";
}

/** Sends records from the tower's own account: through the sequencer, or by L1's queue when that leaves them out. */
export class CoreAnswerer {
  readonly #options: CoreAnswererOptions;

  constructor(options: CoreAnswererOptions) {
    this.#options = options;
  }

  /** @throws TowerError `tower/core-account` */
  async #account(): Promise<{ readonly index: number; readonly nonce: number }> {
    const { channels, signer } = this.#options;
    const account = await channels.account(signer.address);
    if (account === undefined) throw new TowerError("tower/core-account", { address: signer.address });
    return account;
  }

  /** The nonce that the sequencer expects; it knows of bundles that are in no batch yet. */
  async #nextNonce(index: number, otherwise: number): Promise<number> {
    const response = await fetch(`${this.#options.sequencerUrl}/v1/agents/${index}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.ok ? Number(((await response.json()) as { nonce: number }).nonce) : otherwise;
  }

  /** Hands the records to the sequencer. @throws TowerError `tower/core-refused`, `tower/core-down`, `tower/core-account` */
  async send(records: readonly Uint8Array[], l2Time: number): Promise<void> {
    const { sequencerUrl } = this.#options;
    const { index, nonce } = await this.#account();
    let refusal: unknown;
    try {
      const bundle = await this.#sign(index, await this.#nextNonce(index, nonce), Math.max(l2Time, Math.floor(Date.now() / 1000)) + DAY_SECONDS, records);
      const response = await fetch(`${sequencerUrl}/v1/bundles`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: bundle as Uint8Array<ArrayBuffer>,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return;
      refusal = ((await response.json()) as { error?: { code?: string } }).error?.code;
    } catch (error) {
      throw new TowerError("tower/core-down", { path: "/v1/bundles" }, { cause: error });
    }
    throw new TowerError("tower/core-refused", { reason: String(refusal) });
  }

  async #sign(agent: number, nonce: number, validUntil: number, records: readonly Uint8Array[]): Promise<Uint8Array> {
    const { chainId, inbox, signer } = this.#options;
    const bytes = new Uint8Array(SLOT_BYTES * (1 + records.length));
    records.forEach((record, place) => bytes.set(record, SLOT_BYTES * (1 + place)));
    const message = { agent, nonce, count: records.length, validUntil, recordsHash: recordsHash(bytes, SLOT_BYTES, records.length) };
    let signature: Uint8Array;
    if (isLocal(signer)) {
      signature = signer.signDigest(bundleDigest({ ...message, domainSeparator: domainSeparator({ chainId, inbox: fromHex(inbox) }) }));
    } else {
      const { name, version } = EIP712;
      const types = { EIP712Domain: typedFields("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"), Bundle: typedFields(EIP712.Bundle) };
      const signed = await signer.signTypedData({ domain: { name, version, chainId, verifyingContract: inbox }, types, primaryType: "Bundle", message });
      signature = getBytes(Signature.from(signed).compactSerialized);
    }
    bytes.set(encodeHeader({ auth: AUTH.SIGNATURE, count: records.length, agent, nonce, validUntil, signatureR: signature.slice(0, 32), signatureVs: signature.slice(32) }), 0);
    return bytes;
  }

  /** The records as an entry of L1's queue, which no batch can leave out for longer than the inclusion delay. */
  async forced(id: string, records: readonly Uint8Array[], provider: JsonRpcApiProvider, l2Time: number): Promise<Intent> {
    const { inbox } = this.#options;
    const { index: agent, nonce } = await this.#account();
    const bytes = new Uint8Array(SLOT_BYTES * (1 + records.length));
    const validUntil = Math.max(l2Time, Math.floor(Date.now() / 1000)) + FORCED_VALID_SECONDS;
    bytes.set(encodeHeader({ auth: AUTH.L1_SENDER, count: records.length, agent, nonce, validUntil }), 0);
    records.forEach((record, place) => bytes.set(record, SLOT_BYTES * (1 + place)));
    const contract = new Contract(inbox, inboxAbi, provider);
    // The fee grows with what waits; what is sent above it comes back.
    const valueWei = 2n * ((await contract.getFunction("forcedFee")(1 + records.length)) as bigint);
    return { id, to: inbox, valueWei, data: contract.interface.encodeFunctionData("force", [bytes]) };
  }
}

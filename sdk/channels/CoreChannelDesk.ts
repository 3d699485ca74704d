import { HOME } from "../../core/channel/index.ts";
import type { ChannelConfig, Close, Evidence, Grant, Side } from "../../core/channel/index.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { CLOSE_MODE, UPDATE_KIND } from "../../core/generated/protocol.ts";
import type { Agent, RecordOf } from "../Agent.ts";
import { toChainUnits } from "../amount.ts";
import type { Amount } from "../amount.ts";
import type { OperationHandle } from "../bundles/OperationHandle.ts";
import type { Reference } from "../operations.ts";
import { sdkError } from "../SdkError.ts";
import { numberField, textField } from "../state.ts";

/** A channel of Layer Core as the sequencer has it. Amounts in units, times in L2 seconds. */
export interface ChannelInCore {
  readonly slot: number;
  readonly id: number;
  readonly config: ChannelConfig;
  readonly depositA: number;
  readonly depositB: number;
  readonly status: "open" | "closing";
  /** When answers to a close end; undefined without a close. */
  readonly deadline: number | undefined;
  readonly version: number;
  /** As recorded. */
  readonly paidByA: number;
  readonly paidByB: number;
  /** The four words of the leaf. */
  readonly leaf: readonly [string, string, string, string];
}

/** How far L2 time may lag behind L1 (`Inbox.MAX_LAG_SECONDS`). */
const LAG_SECONDS = 86_400;
/** What an answer needs besides, from the sight of a close to the forced transaction. */
const ANSWER_SECONDS = 3_600;
const NO_ASSET = new Uint8Array(20);

/** The shortest window of a channel in Layer Core that a sequencer cannot win by leaving answers out (docs/CHANNELS.md section 3). */
export function leastCoreWindowSeconds(inclusionDelaySeconds: number): number {
  return inclusionDelaySeconds + LAG_SECONDS + ANSWER_SECONDS;
}

function signatureRecord(signature: Uint8Array): RecordOf {
  if (signature.length !== 64) throw sdkError("SDK_INPUT", "Layer Core takes signatures of keys only, 64 bytes");
  return ["SIGNATURE", { signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) }];
}

/** Channels inside Layer Core: the operations of one agent on them. None of them needs an L1 transaction. */
export class CoreChannelDesk {
  readonly #agent: Agent;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  get agent(): Agent {
    return this.#agent;
  }

  /**
   * Opens a channel with another agent, as side A. The result's slot and id are its leaf.
   * @param partner index or address of the other agent
   */
  async open(partner: number | string, amount: Amount, windowSeconds: number): Promise<OperationHandle> {
    const index = await this.#agent.client.agentIndex(partner);
    return this.#agent.operateTogether([["CHANNEL_OPEN", { partner: index, amount: this.#units(amount), window: windowSeconds }]]);
  }

  /** Puts more into a side of it; anyone may. */
  fund({ slot, id }: Reference, side: Side, amount: Amount): OperationHandle {
    return this.#agent.operateTogether([["CHANNEL_FUND", { side, slot, id, amount: this.#units(amount) }]]);
  }

  /** Lets another key sign for a side, with the owner's signature over the grant. */
  grant({ slot, id }: Reference, side: Side, grant: Grant, signature: Uint8Array): OperationHandle {
    return this.#agent.operateTogether([signatureRecord(signature), ["CHANNEL_GRANT", { side, slot, id, cap: grant.cap, key: grant.key, expiry: grant.expiry }]]);
  }

  /** The best that a side can enforce as operations; none where what is recorded is as good. */
  #update({ base, voucher, grants }: Evidence, known: ChannelInCore): RecordOf[] {
    const { slot, id } = known;
    const records: RecordOf[] = [];
    const isNewBase = base !== undefined && base.base.version > known.version;
    const version = isNewBase ? base.base.version : known.version;
    const isNewVoucher = voucher !== undefined && voucher.voucher.version === version;
    if (voucher !== undefined && isNewVoucher && voucher.locks.length > 0) throw sdkError("SDK_INPUT", "channels in Layer Core take no locks");
    for (const { side, grant, signature } of isNewBase || isNewVoucher ? grants : []) {
      records.push(signatureRecord(signature), ["CHANNEL_GRANT", { side, slot, id, cap: grant.cap, key: grant.key, expiry: grant.expiry }]);
    }
    if (isNewBase) {
      const fields = { kind: UPDATE_KIND.BASE, slot, id, ...base.base, sequence: 0, callsHash: new Uint8Array(32) };
      for (const side of [0, 1] as const) records.push(signatureRecord(base.signatures[side]), ["CHANNEL_UPDATE", { ...fields, side }]);
    }
    const recorded = isNewBase ? base.base : known;
    const { payer, paid, sequence, callsHash } = voucher?.voucher ?? { payer: 0, paid: 0, sequence: 0, callsHash: new Uint8Array(32) };
    if (voucher === undefined || !isNewVoucher || paid <= (payer === 0 ? recorded.paidByA : recorded.paidByB)) return isNewBase ? records : [];
    const totals = { paidByA: payer === 0 ? paid : 0, paidByB: payer === 0 ? 0 : paid };
    records.push(signatureRecord(voucher.signature), ["CHANNEL_UPDATE", { kind: UPDATE_KIND.VOUCHER, side: payer, slot, id, ...totals, version, sequence, callsHash }]);
    return records;
  }

  /** Records the best that a side can enforce: a checkpoint while it is open, an answer while it is closing. @returns undefined when what is recorded is as good */
  update(evidence: Evidence, known: ChannelInCore): OperationHandle | undefined {
    const records = this.#update(evidence, known);
    return records.length === 0 ? undefined : this.#agent.operateTogether(records);
  }

  /** Asks for the close, with the best that this side has. */
  challenge(evidence: Evidence, known: ChannelInCore): OperationHandle {
    const { slot, id } = known;
    return this.#agent.operateTogether([...this.#update(evidence, known), ["CHANNEL_CHALLENGE", { slot, id }]]);
  }

  /** Pays out after the deadline; anyone may. */
  finish({ slot, id }: Reference): OperationHandle {
    return this.#agent.operateTogether([["CHANNEL_CLOSE", { mode: CLOSE_MODE.FINAL, slot, id, paidByA: 0, paidByB: 0 }]]);
  }

  /** Pays out at once, with the other side's signature over the close. */
  closeCooperatively({ slot, id }: Reference, { paidByA, paidByB }: Close, signatureOfOther: Uint8Array): OperationHandle {
    return this.#agent.operateTogether([signatureRecord(signatureOfOther), ["CHANNEL_CLOSE", { mode: CLOSE_MODE.COOPERATIVE, slot, id, paidByA, paidByB }]]);
  }

  /** Frees the channel here, so that it can be taken over on L1. The result's `id` is the withdrawal that carries it. */
  exportToL1({ slot, id }: Reference, signatureOfOther: Uint8Array): OperationHandle {
    return this.#agent.operateTogether([signatureRecord(signatureOfOther), ["CHANNEL_EXPORT", { slot, id }]]);
  }

  /** The channel, as the sequencer has it; undefined when it is closed, exported, or never was. @throws SdkError `SDK_RESPONSE` */
  async read({ slot, id }: Reference): Promise<ChannelInCore | undefined> {
    const json = await this.#agent.client.channel({ slot, id });
    if (json === undefined) return undefined;
    const leaf = fromHex(textField(json, "leaf"), 128);
    const status = textField(json, "status");
    if (status !== "open" && status !== "closing") throw sdkError("SDK_RESPONSE", `a channel is ${status}`);
    const word = (index: number): string => toHex(leaf.subarray(32 * index, 32 * index + 32));
    return {
      slot, id, status,
      config: {
        home: HOME.CORE, partyA: fromHex(textField(json, "ownerA"), 20), partyB: fromHex(textField(json, "ownerB"), 20), asset: NO_ASSET, unit: 0,
        windowSeconds: numberField(json, "window"), flags: 0, salt: id,
      },
      depositA: numberField(json, "depositA"), depositB: numberField(json, "depositB"),
      deadline: status === "closing" ? numberField(json, "deadline") : undefined,
      version: numberField(json, "version"), paidByA: numberField(json, "paidByA"), paidByB: numberField(json, "paidByB"),
      leaf: [word(0), word(1), word(2), word(3)],
    };
  }

  /** L2 time of the newest batch, in seconds. */
  async nowSeconds(): Promise<number> {
    return numberField(await this.#agent.client.status(), "l2Time");
  }

  #units(amount: Amount): number {
    return toChainUnits(amount, this.#agent.config.asset);
  }
}

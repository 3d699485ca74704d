import type { Provider } from "ethers";

import { connectAccountContracts } from "../../../../chain/connectContracts.ts";
import { payoutOf } from "../../../../core/channel/index.ts";
import type { ChannelConfig, Close, Evidence, Side } from "../../../../core/channel/index.ts";
import { toHex } from "../../../../core/codec/hex.ts";
import { chainUnitsToBase } from "../../../amount.ts";
import type { Asset } from "../../../amount.ts";
import type { ChannelInCore, CoreChannelDesk } from "../../../channels/CoreChannelDesk.ts";
import type { Reference } from "../../../operations.ts";
import { sdkError } from "../../../SdkError.ts";
import type { ChannelHome, HomeState, Settled } from "./ChannelHome.ts";

const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

/** Channels whose money is in Layer Core. What the sequencer says of deposits is its word, signed for only in batches. */
export class CoreHome implements ChannelHome {
  readonly name = "Layer Core";
  readonly desk: CoreChannelDesk;
  readonly #provider: Provider;
  /** By the id of the leaf, which is the salt of the config. */
  readonly #slots = new Map<number, number>();
  readonly #last = new Map<number, ChannelInCore>();
  readonly #settled = new Map<number, Settled>();

  /** @param provider of the chain's L1 */
  constructor(desk: CoreChannelDesk, provider: Provider) {
    [this.desk, this.#provider] = [desk, provider];
  }

  /** How long a sequencer may leave out what is forced through L1. */
  async inclusionDelaySeconds(): Promise<number> {
    const { inbox } = connectAccountContracts(this.desk.agent.config.contracts, this.#provider);
    return Number((await inbox.config()).inclusionDelaySeconds);
  }

  get asset(): Asset {
    return this.desk.agent.config.asset;
  }

  /** Where a channel's leaf is: known to who opened it, told to the other side. */
  know({ slot, id }: Reference): void {
    this.#slots.set(id, slot);
  }

  #reference({ salt: id }: ChannelConfig): Reference {
    const slot = this.#slots.get(id);
    if (slot === undefined) throw sdkError("SDK_INPUT", `it is not known where channel ${id} of Layer Core is`, { id });
    return { slot, id };
  }

  async read(config: ChannelConfig): Promise<HomeState> {
    const [found, nowSeconds] = await Promise.all([this.desk.read(this.#reference(config)), this.desk.nowSeconds()]);
    if (found === undefined) {
      const wasThere = this.#last.has(config.salt);
      return { view: wasThere ? { netA: 0, netB: 0, withdrawalNonce: 0, status: "closed", version: 0 } : undefined, deadline: undefined, nowSeconds };
    }
    for (const name of ["partyA", "partyB"] as const) {
      if (toHex(found.config[name]) !== toHex(config[name])) throw sdkError("SDK_RESPONSE", `the sequencer says that ${name} of channel ${config.salt} is ${toHex(found.config[name])}`);
    }
    this.#last.set(config.salt, found);
    return { view: { netA: found.depositA, netB: found.depositB, withdrawalNonce: 0, status: found.status, version: found.version }, deadline: found.deadline, nowSeconds };
  }

  /** As the sequencer has it now. @throws SdkError `SDK_INPUT` when it is gone */
  async known(config: ChannelConfig): Promise<ChannelInCore> {
    const found = await this.desk.read(this.#reference(config));
    if (found === undefined) throw sdkError("SDK_INPUT", `channel ${config.salt} of Layer Core is closed or exported`, { id: config.salt });
    this.#last.set(config.salt, found);
    return found;
  }

  assetAddress(): string {
    return this.desk.agent.config.asset.address?.toLowerCase() ?? ZERO_ADDRESS;
  }

  async nextSeconds(): Promise<number> {
    return Math.max(await this.desk.nowSeconds(), Math.floor(Date.now() / 1000));
  }

  async deposit(config: ChannelConfig, side: Side, units: number): Promise<void> {
    await this.desk.fund(this.#reference(config), side, chainUnitsToBase(units, this.asset)).durable;
  }

  async challenge(config: ChannelConfig, _side: Side, evidence: Evidence): Promise<number> {
    await this.desk.challenge(evidence, await this.known(config)).durable;
    return (await this.known(config)).deadline ?? 0;
  }

  async checkpoint(config: ChannelConfig, _side: Side, evidence: Evidence): Promise<void> {
    await this.desk.update(evidence, await this.known(config))?.durable;
  }

  async respond(config: ChannelConfig, _side: Side, evidence: Evidence): Promise<boolean> {
    const answer = this.desk.update(evidence, await this.known(config));
    await answer?.durable;
    return answer !== undefined;
  }

  async finish(config: ChannelConfig): Promise<Settled> {
    const last = await this.known(config);
    await this.desk.finish(last).durable;
    return this.#keep(last, last, true);
  }

  async closeCooperatively(config: ChannelConfig, close: Close, signatures: readonly [Uint8Array, Uint8Array]): Promise<Settled> {
    const last = await this.known(config);
    const other = toHex(config.partyA) === this.desk.agent.address ? 1 : 0;
    await this.desk.closeCooperatively(last, close, signatures[other]).durable;
    return this.#keep(last, close, false);
  }

  #keep(last: ChannelInCore, { paidByA, paidByB }: Close, isUnilateral: boolean): Settled {
    const { a, b } = payoutOf({ netA: last.depositA, netB: last.depositB, paidByA, paidByB });
    const settled = { shareA: a, shareB: b, isUnilateral, transactionHash: undefined };
    this.#settled.set(last.id, settled);
    return settled;
  }

  async settledAs({ salt }: ChannelConfig): Promise<Settled | undefined> {
    return this.#settled.get(salt);
  }
}

import type { ChannelConfig, Close, Evidence, Side } from "../../../../core/channel/index.ts";
import { toHex } from "../../../../core/codec/hex.ts";
import type { OnChainStatus } from "../../../../chain/channels/readChannel.ts";
import { ChainError } from "../../../../chain/ChainError.ts";
import type { ChannelClosed, ChannelDesk } from "../../../channels/ChannelDesk.ts";
import type { ChannelSigner } from "../signing/ChannelSigner.ts";
import type { ChannelHome, HomeState, Settled } from "./ChannelHome.ts";

const STATUS: Readonly<Record<OnChainStatus, "open" | "closing" | "closed" | undefined>> = { NONE: undefined, OPEN: "open", CLOSING: "closing", CLOSED: "closed" };

function settledOf({ shareA, shareB, isUnilateral, transactionHash }: ChannelClosed): Settled {
  return { shareA, shareB, isUnilateral, transactionHash };
}

/** Channels whose money is in the adjudicator. */
export class L1Home implements ChannelHome {
  readonly name = "L1";
  readonly #desk: ChannelDesk;
  readonly #signer: ChannelSigner;
  readonly #confirmations: number;
  readonly #fromBlock: number;

  /** @param confirmations blocks under which a deposit counts */
  constructor(desk: ChannelDesk, options: { readonly signer: ChannelSigner; readonly confirmations: number; readonly fromBlock: number }) {
    [this.#desk, this.#signer, this.#confirmations, this.#fromBlock] = [desk, options.signer, options.confirmations, options.fromBlock];
  }

  /** A close counts at once, a deposit when it is deep enough. */
  async read(config: ChannelConfig): Promise<HomeState> {
    const head = await this.#desk.head();
    const now = await this.#desk.read(config, head.number);
    const status = STATUS[now.status];
    const deep = this.#confirmations === 0 || status !== "open" ? now : await this.#desk.read(config, Math.max(0, head.number - this.#confirmations));
    const lesser = (side: 0 | 1): number => Math.min(deep.nets[side], now.nets[side]);
    const view = status === undefined ? undefined : { netA: lesser(0), netB: lesser(1), withdrawalNonce: now.withdrawalNonce, status, version: now.version };
    return { view, deadline: status === "closing" ? now.deadline : undefined, nowSeconds: head.timestamp };
  }

  assetAddress({ asset }: ChannelConfig): string {
    return toHex(asset);
  }

  async nextSeconds(): Promise<number> {
    return this.#desk.nextSeconds();
  }

  async deposit(config: ChannelConfig, side: Side, units: number): Promise<void> {
    await this.#desk.open(config, side, units);
  }

  async challenge(config: ChannelConfig, side: Side, evidence: Evidence): Promise<number> {
    return (await this.#desk.challenge(config, side, evidence)).deadline;
  }

  async checkpoint(config: ChannelConfig, _side: Side, evidence: Evidence): Promise<void> {
    await this.#desk.checkpoint(config, evidence, await this.#endorsement(evidence));
  }

  async respond(config: ChannelConfig, _side: Side, evidence: Evidence): Promise<boolean> {
    return (await this.#desk.respond(config, evidence, await this.#endorsement(evidence))) !== undefined;
  }

  async #endorsement({ needsEndorsement, voucher }: Evidence): Promise<Uint8Array | undefined> {
    return needsEndorsement && voucher !== undefined ? this.#signer.sign(voucher.digest) : undefined;
  }

  async finish(config: ChannelConfig): Promise<Settled> {
    return this.#orDone(config, () => this.#desk.finish(config, this.#fromBlock));
  }

  async closeCooperatively(config: ChannelConfig, close: Close, signatures: readonly [Uint8Array, Uint8Array]): Promise<Settled> {
    return this.#orDone(config, () => this.#desk.closeCooperatively(config, close, signatures));
  }

  /** The other side, or a tower, may have been quicker. */
  async #orDone(config: ChannelConfig, work: () => Promise<ChannelClosed>): Promise<Settled> {
    try {
      return settledOf(await work());
    } catch (error) {
      const settled = error instanceof ChainError ? await this.settledAs(config) : undefined;
      if (settled === undefined) throw error;
      return settled;
    }
  }

  async settledAs(config: ChannelConfig): Promise<Settled | undefined> {
    const closed = await this.#desk.closedAs(config, this.#fromBlock);
    return closed === undefined ? undefined : settledOf(closed);
  }
}

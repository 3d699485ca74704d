import type { ChainView, ChannelConfig, Close, Evidence, Side } from "../../../../core/channel/index.ts";

/** A channel as the chain has it now. */
export interface HomeState {
  /** What the engine has to know; undefined when there is no such channel (yet). */
  readonly view: ChainView | undefined;
  /** When answers to a close end, in the home's own time; undefined without a close. */
  readonly deadline: number | undefined;
  /** The home's time, in seconds. */
  readonly nowSeconds: number;
}

/** What each side was paid in the end, in units. */
export interface Settled {
  readonly shareA: number;
  readonly shareB: number;
  /** One side asked for it alone. */
  readonly isUnilateral: boolean;
  /** On L1; undefined in Layer Core. */
  readonly transactionHash: string | undefined;
}

/** Where a channel's money is, and what can be done there. Two of them: the adjudicator on L1, and Layer Core. */
export interface ChannelHome {
  readonly name: "L1" | "Layer Core";
  /** Token in which a channel counts, lower case; the zero address for ETH. */
  assetAddress(config: ChannelConfig): string;
  read(config: ChannelConfig): Promise<HomeState>;
  /** The time, in the home's seconds, that a call would see which is sent now. */
  nextSeconds(): Promise<number>;
  deposit(config: ChannelConfig, side: Side, units: number): Promise<void>;
  /** Asks for the close with the best that this side has. @returns the deadline of answers */
  challenge(config: ChannelConfig, side: Side, evidence: Evidence): Promise<number>;
  /** Records the best that this side has, while the channel is open. */
  checkpoint(config: ChannelConfig, side: Side, evidence: Evidence): Promise<void>;
  /** Answers a close. @returns false when what stands is as good */
  respond(config: ChannelConfig, side: Side, evidence: Evidence): Promise<boolean>;
  /** Pays out after the deadline. */
  finish(config: ChannelConfig): Promise<Settled>;
  closeCooperatively(config: ChannelConfig, close: Close, signatures: readonly [Uint8Array, Uint8Array]): Promise<Settled>;
  /** What a channel that is closed has paid; undefined while it is not, or when nobody knows. */
  settledAs(config: ChannelConfig): Promise<Settled | undefined>;
}

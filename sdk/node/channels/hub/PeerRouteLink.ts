import type { Lock } from "../../../../core/channel/index.ts";
import { toHex } from "../../../../core/codec/hex.ts";
import { sdkError } from "../../../SdkError.ts";
import type { Channel } from "../Channel.ts";
import type { ChannelPeer } from "../ChannelPeer.ts";
import type { RouteLink } from "./RouteLink.ts";

const POLL_MS = 10;
const ACKED_MS = 30_000;

/** A channel of a `ChannelPeer` as hub, payer and payee of routed payments see it. */
export class PeerRouteLink implements RouteLink {
  readonly #peer: ChannelPeer;
  readonly #channel: Channel;

  constructor(peer: ChannelPeer, channel: Channel) {
    [this.#peer, this.#channel] = [peer, channel];
  }

  get peer(): string {
    return toHex(this.#channel.peer);
  }

  get windowSeconds(): number {
    return this.#channel.config.windowSeconds;
  }

  sendRoute(bytes: Uint8Array): void {
    this.#peer.sendRoute(this.#channel.peer, bytes);
  }

  async addLock(lock: Lock): Promise<void> {
    this.#channel.addLock(lock);
    await this.#until(() => this.#isAcked() && this.outgoingLocks().some(({ hashlock }) => toHex(hashlock) === toHex(lock.hashlock)));
  }

  async settleLock(preimage: Uint8Array): Promise<void> {
    this.#channel.settleLock(preimage);
    await this.#until(() => this.#isAcked());
  }

  async dropLock(hashlock: Uint8Array): Promise<void> {
    this.#channel.dropLock(hashlock);
    await this.#until(() => this.#isAcked());
  }

  releaseLock(hashlock: Uint8Array): void {
    this.#channel.releaseLock(hashlock);
  }

  incomingLocks(): readonly Lock[] {
    return this.#channel.status().incoming.locks;
  }

  outgoingLocks(): readonly Lock[] {
    return this.#channel.status().outgoing.locks;
  }

  #isAcked(): boolean {
    const { sequence, acked } = this.#channel.status().outgoing;
    return acked >= sequence;
  }

  /** @throws SdkError `SDK_TIMEOUT`, `SDK_ROUTE` */
  async #until(isSo: () => boolean): Promise<void> {
    for (const endMs = Date.now() + ACKED_MS; ; ) {
      // The entry goes under the next voucher, which is cut at the end of this turn.
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (isSo()) return;
      if (this.#channel.status().phase === "frozen") throw sdkError("SDK_ROUTE", "the channel is being closed: what was signed counts there");
      if (Date.now() > endMs) throw sdkError("SDK_TIMEOUT", `${this.peer} did not sign for a lock within ${ACKED_MS / 1000} s`);
    }
  }
}

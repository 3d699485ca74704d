import { HOME, channelDomainSeparator } from "../../../../core/channel/index.ts";
import type { ChannelConfig, EngineOptions } from "../../../../core/channel/index.ts";
import { keccak256 } from "../../../../core/hash/index.ts";
import { EngineHost } from "./EngineHost.ts";
import type { Signer } from "./EngineHost.ts";
import { addressOf } from "./FakeKeys.ts";

export const NAMES = ["alice", "bob"] as const;
export const WINDOW_SECONDS = 3600;
export const separator = channelDomainSeparator({ chainId: 31337, adjudicator: addressOf("adjudicator") });

export const testConfig: ChannelConfig = {
  home: HOME.L1, partyA: addressOf(NAMES[0]), partyB: addressOf(NAMES[1]), asset: new Uint8Array(20), unit: 1_000, windowSeconds: WINDOW_SECONDS, flags: 0, salt: 7,
};

export function hashOf(value: string): Uint8Array {
  return keccak256(new TextEncoder().encode(value));
}

/** Two engines and what lies between them, moved by hand. */
export class Duo {
  readonly a: EngineHost;
  readonly b: EngineHost;

  constructor(options: Partial<EngineOptions> = {}, signer?: Signer, optionsB: Partial<EngineOptions> = options) {
    const base = { config: testConfig, separator };
    this.a = new EngineHost({ ...base, ...options, self: 0 }, NAMES, undefined, signer);
    this.b = new EngineHost({ ...base, ...optionsB, self: 1 }, NAMES, undefined, signer);
  }

  get hosts(): readonly [EngineHost, EngineHost] {
    return [this.a, this.b];
  }

  /** Both deposits are confirmed, in units. */
  fund(netA: number, netB: number): this {
    for (const host of this.hosts) host.chain({ netA, netB, withdrawalNonce: 0, status: "open", version: 0 });
    return this;
  }

  connect(): this {
    this.disconnect();
    for (const host of this.hosts) host.connect();
    return this.settle();
  }

  disconnect(): this {
    for (const host of this.hosts) {
      host.wire = [];
      if (host.isConnected) host.disconnect();
      host.wire = [];
    }
    return this;
  }

  /** Hands over one frame from `from` to the other; whether there was one. */
  pass(from: EngineHost): boolean {
    const to = from === this.a ? this.b : this.a;
    const frame = from.wire.shift();
    if (frame === undefined) return false;
    to.receive(frame);
    return true;
  }

  /** Does all that can be done without time: signs, flushes, hands over. */
  settle(): this {
    for (let i = 0; i < 100_000; i++) {
      const did = this.hosts.map((host) => host.work());
      const passed = this.hosts.map((host) => this.pass(host));
      if (![...did, ...passed].includes(true)) return this;
    }
    throw new Error("the two engines talk for ever");
  }

  /** Lets time pass for both, and does what comes of it. */
  wait(ms: number, seconds = 0): this {
    for (const host of this.hosts) host.tick(ms, seconds);
    return this.settle();
  }

  /** `host` answers everything that was delivered, `status` of each by its sequence. */
  answerAll(host: EngineHost, status: (sequence: number) => number = () => 0): this {
    for (const batch of host.delivered.splice(0)) {
      for (let i = 0; i < batch.count; i++) host.engine.answer(batch.sequences[i], status(batch.sequences[i]), hashOf(`response ${batch.sequences[i]}`));
    }
    host.pull();
    return this.settle();
  }
}

import { ByteReader } from "./ByteReader.ts";
import { ByteWriter } from "./ByteWriter.ts";
import { FRAME } from "./FrameKind.ts";
import type { EngineLimits } from "../EngineOptions.ts";
import type { Side } from "../../ChannelConfig.ts";

/** A place in a running hash. */
export interface Head {
  readonly count: number;
  readonly hash: Uint8Array;
}

/** What a side says of itself when a connection begins. */
export interface Hello {
  readonly protocol: number;
  readonly channelId: Uint8Array;
  readonly side: Side;
  readonly epoch: number;
  readonly boot: Uint8Array;
  /** The highest start of the receiver's store that the sender has seen. */
  readonly seenEpoch: number;
  readonly seenBoot: Uint8Array;
  readonly l1Seconds: number;
  readonly isFrozen: boolean;
  readonly version: number;
  /** 0: none. */
  readonly proposed: number;
  /** Entries of ours that an Ack of the receiver covers. */
  readonly acked: number;
  readonly sent: Head;
  readonly received: Head;
  readonly resultsSent: Head;
  readonly resultsReceived: Head;
  readonly limits: EngineLimits;
}

export function writeHello(hello: Hello): Uint8Array {
  const writer = new ByteWriter().u8(FRAME.HELLO).u8(hello.protocol).raw(hello.channelId).u8(hello.side).u64(hello.epoch).raw(hello.boot).u64(hello.seenEpoch).raw(hello.seenBoot).u40(hello.l1Seconds);
  writer.u8(hello.isFrozen ? 1 : 0).u32(hello.version).u32(hello.proposed).u64(hello.acked);
  for (const head of [hello.sent, hello.received, hello.resultsSent, hello.resultsReceived]) writer.u64(head.count).raw(head.hash);
  const { limits } = hello;
  return writer.u16(limits.maxCallsPerFrame).u32(limits.maxPayloadBytes).u32(limits.maxFrameBytes).u32(limits.maxOpenCalls).u16(limits.maxInFlight).done();
}

/** @throws ChannelError channel/frame */
export function readHello(bytes: Uint8Array): Hello {
  const reader = new ByteReader(bytes, 1);
  const head = (): Head => ({ count: reader.u64(), hash: reader.raw(32) });
  const hello: Hello = {
    protocol: reader.u8(), channelId: reader.raw(32), side: reader.u8() as Side, epoch: reader.u64(), boot: reader.raw(16), seenEpoch: reader.u64(), seenBoot: reader.raw(16), l1Seconds: reader.u40(), isFrozen: reader.u8() !== 0, version: reader.u32(), proposed: reader.u32(), acked: reader.u64(), sent: head(), received: head(), resultsSent: head(), resultsReceived: head(),
    limits: { maxCallsPerFrame: reader.u16(), maxPayloadBytes: reader.u32(), maxFrameBytes: reader.u32(), maxOpenCalls: reader.u32(), maxInFlight: reader.u16() },
  };
  reader.end();
  return hello;
}

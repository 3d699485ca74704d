import type { Grant } from "../../digests.ts";
import { ByteReader } from "./ByteReader.ts";
import { ByteWriter } from "./ByteWriter.ts";
import { FRAME } from "./FrameKind.ts";

export function writeGrant(grant: Grant, signature: Uint8Array): Uint8Array {
  return new ByteWriter().u8(FRAME.GRANT).raw(grant.key).u64(grant.cap).u40(grant.expiry).short(signature).done();
}

/** @throws ChannelError channel/frame */
export function readGrant(bytes: Uint8Array): { readonly grant: Grant; readonly signature: Uint8Array } {
  const reader = new ByteReader(bytes, 1);
  const grant = { key: reader.raw(20).slice(), cap: reader.u64(), expiry: reader.u40() };
  const signature = reader.short().slice();
  reader.end();
  return { grant, signature };
}

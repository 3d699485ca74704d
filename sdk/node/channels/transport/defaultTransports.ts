import type { ChannelTransport } from "./ChannelTransport.ts";
import { Libp2pTransport } from "./Libp2pTransport.ts";
import { TlsTransport } from "./TlsTransport.ts";

/** What agents speak unless told otherwise (ADR 15): libp2p first, and TLS for addresses that say so. Stop them when done. */
export function defaultTransports(): ChannelTransport[] {
  return [new Libp2pTransport(), new TlsTransport()];
}

/** All addresses of this machine, any port, in the default transport's form. */
export const DEFAULT_LISTEN_ADDRESS = "/ip4/0.0.0.0/tcp/0";

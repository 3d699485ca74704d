import { lookup } from "node:dns/promises";

import { isPublicAddress } from "./isPublicAddress.ts";

/** Where requests for untrusted documents may go. */
export interface FetchPolicy {
  /** Plain http is readable and forgeable on the way. */
  readonly allowHttp: boolean;
  /** Ports that may be asked; undefined: every port. */
  readonly ports: readonly number[] | undefined;
  readonly isAllowedAddress: (address: string) => boolean;
  /** All addresses of a name. The connection is made to these very addresses: a name that is asked again may answer differently. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
}

/** Asks the system's resolver. */
async function resolveHost(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The rule for URLs that strangers name: https on its usual ports, to machines of the public internet. */
export const PUBLIC_POLICY: FetchPolicy = { allowHttp: false, ports: [443, 8443], isAllowedAddress: isPublicAddress, resolve: resolveHost };

/** For a chain on this very machine and for tests: http and private addresses too. Never for URLs of strangers on a real network. */
export const LOCAL_POLICY: FetchPolicy = { allowHttp: true, ports: undefined, isAllowedAddress: () => true, resolve: resolveHost };

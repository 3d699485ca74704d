import { isIP } from "node:net";

import { checkAddresses } from "../../../runtime/fetch/checkTarget.ts";
import type { FetchPolicy } from "../../../runtime/fetch/FetchPolicy.ts";

const TLS = /^tls:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253}):(\d{1,5})$/;
const MULTIADDRESS = /^\/(ip4|ip6|dns|dns4|dns6)\/([A-Za-z0-9._:-]{1,253})\/tcp\/(\d{1,5})(\/[A-Za-z0-9/]{0,160})?$/;

/**
 * Where a stranger says that it listens for channels, with the host replaced by the address that was checked: whoever answers there proves
 * with its key who it is, and a name could lead to a machine of this network. The policy's ports are those of the web and do not count.
 * @throws FetchError `fetch/address`, `fetch/dns`; TypeError for what is no address
 */
export async function checkPeerAddress(peer: string, policy: FetchPolicy): Promise<string> {
  const tls = TLS.exec(peer);
  const multi = MULTIADDRESS.exec(peer);
  const host = tls?.[1]?.replace(/^\[|\]$/g, "") ?? multi?.[2];
  if (host === undefined) throw new TypeError("not an address of a channel's transport");
  const addresses = isIP(host) === 0 ? await policy.resolve(host) : [host];
  checkAddresses(host, addresses, policy);
  const [address] = addresses;
  const family = isIP(address!);
  if (tls !== null) return `tls://${family === 6 ? `[${address}]` : address}:${tls[2]}`;
  return `/${family === 6 ? "ip6" : "ip4"}/${address}/tcp/${multi![3]}${multi![4] ?? ""}`;
}

import { BlockList, isIPv4, isIPv6 } from "node:net";

/** IANA's special-purpose blocks, and an address that one cloud answers its machines' metadata on. */
const SPECIAL_V4: readonly (readonly [address: string, prefix: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Inside 2000::/3 and yet not one machine of the public internet: protocol assignments with Teredo, documentation, 6to4. */
const SPECIAL_V6: readonly (readonly [address: string, prefix: number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const specialV4 = new BlockList();
for (const [address, prefix] of SPECIAL_V4) specialV4.addSubnet(address, prefix, "ipv4");
const specialV6 = new BlockList();
for (const [address, prefix] of SPECIAL_V6) specialV6.addSubnet(address, prefix, "ipv6");

/** The eight 16-bit groups of an IPv6 address; the URL parser brings every way of writing it to one. */
function groupsOf(address: string): number[] {
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const parse = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const front = parse(head);
  const back = tail === undefined ? [] : parse(tail);
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

/** The IPv4 address that an IPv6 one stands for: IPv4-mapped (::ffff:0:0/96), and NAT64's well-known prefix (64:ff9b::/96). */
function embeddedV4(groups: readonly number[]): string | undefined {
  const startsWith = (...prefix: readonly number[]): boolean => prefix.every((group, place) => groups[place] === group);
  if (!startsWith(0, 0, 0, 0, 0, 0xffff) && !startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return undefined;
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/**
 * True for an address that belongs to some machine of the public internet: not loopback, private, link-local (where clouds keep
 * metadata), carrier-grade NAT, multicast, documentation or reserved. Of IPv6 only 2000::/3 is, and what stands for a public IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !specialV4.check(address, "ipv4");
  if (!isIPv6(address) || address.includes("%")) return false;
  const groups = groupsOf(address);
  const v4 = embeddedV4(groups);
  if (v4 !== undefined) return isPublicAddress(v4);
  return (groups[0] ?? 0) >> 13 === 1 && !specialV6.check(address, "ipv6");
}

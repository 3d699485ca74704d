/**
 * What limits "from one address" count by: of IPv6 the first 64 bits, since whoever has one such address has them all. Of IPv4, also as
 * dual-stack sockets write it, the address.
 */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return "";
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.replace(/%.*$/, "").split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? 0 : tail.split(":").length;
    while (groups.length < 8 - after) groups.push("0");
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

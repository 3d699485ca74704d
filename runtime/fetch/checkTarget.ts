import { isIP } from "node:net";
import type { LookupFunction } from "node:net";

import { FetchError } from "./FetchError.ts";
import type { FetchPolicy } from "./FetchPolicy.ts";

const MAX_URL_LENGTH = 2_048;

/**
 * The URL as it will be asked: no credentials, an allowed scheme and port. Numbers in odd notations become the address that they are.
 * @throws FetchError `fetch/url`, `fetch/scheme`, `fetch/port`
 */
export function checkUrl(url: string, policy: FetchPolicy, maxLength = MAX_URL_LENGTH): URL {
  if (url.length > maxLength) throw new FetchError("fetch/url", { problem: "too long" });
  const parsed = URL.parse(url);
  if (parsed === null) throw new FetchError("fetch/url", { problem: "not a URL" });
  const scheme = parsed.protocol.slice(0, -1);
  if (scheme !== "https" && !(scheme === "http" && policy.allowHttp)) throw new FetchError("fetch/scheme", { scheme });
  if (parsed.username !== "" || parsed.password !== "") throw new FetchError("fetch/url", { problem: "credentials" });
  const port = parsed.port === "" ? (scheme === "https" ? 443 : 80) : Number(parsed.port);
  if (policy.ports !== undefined && !policy.ports.includes(port)) throw new FetchError("fetch/port", { port });
  parsed.hash = "";
  return parsed;
}

/**
 * One address that is not allowed refuses the host, whatever the others are.
 * @throws FetchError `fetch/dns`, `fetch/address`
 */
export function checkAddresses(host: string, addresses: readonly string[], policy: FetchPolicy): void {
  if (addresses.length === 0) throw new FetchError("fetch/dns", { host });
  for (const address of addresses) {
    if (!policy.isAllowedAddress(address)) throw new FetchError("fetch/address", { host, address });
  }
}

/** A host that is an address, which no lookup would see; undefined for a name. */
export function literalAddress(host: string): string | undefined {
  const literal = host.startsWith("[") ? host.slice(1, -1) : host;
  return isIP(literal) === 0 ? undefined : literal;
}

/** Answers with the addresses that were checked, so that the name is not asked a second time. */
export function pinned(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_host, options, callback) => {
    const wanted = options.family === 4 || options.family === 6 ? all.filter(({ family }) => family === options.family) : all;
    const [first] = wanted;
    if (first === undefined) callback(Object.assign(new Error("no address of this family"), { code: "ENOTFOUND" }), "", 0);
    else if (options.all === true) callback(null, wanted);
    else callback(null, first.address, first.family);
  };
}

/**
 * For connections that are kept and used again: each new one asks for the name's addresses, and goes to those that were checked. A host
 * that is an address itself is never looked up: check it with {@link checkAddresses}.
 */
export function checkedLookup(policy: FetchPolicy): LookupFunction {
  return (host, options, callback) => {
    policy.resolve(host).then(
      (addresses) => {
        try {
          checkAddresses(host, addresses, policy);
        } catch (error) {
          callback(error as NodeJS.ErrnoException, "", 0);
          return;
        }
        pinned(addresses)(host, options, callback);
      },
      (error: unknown) => callback(new FetchError("fetch/dns", { host }, { cause: error }) as NodeJS.ErrnoException, "", 0),
    );
  };
}

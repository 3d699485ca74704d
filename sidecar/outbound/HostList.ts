import { SidecarError } from "../SidecarError.ts";

/** `example.org`, `*.example.org` (any name under it, not itself), `10.0.0.7`, `[::1]`; with `:port` for one port only. */
const PATTERN = /^(\*\.)?([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/;

interface Entry {
  readonly isSuffix: boolean;
  readonly name: string;
  readonly port: string | undefined;
}

function parseEntry(text: string): Entry {
  const [, wildcard, name, port] = PATTERN.exec(text.toLowerCase()) ?? [];
  if (name === undefined) throw new TypeError(`"${text}" names no host: write example.org, *.example.org or example.org:8443`);
  return { isSuffix: wildcard !== undefined, name: wildcard === undefined ? name : `.${name}`, port };
}

/** Port of a URL, also where it is the usual one. */
export function portOf(url: URL): string {
  return url.port !== "" ? url.port : url.protocol === "https:" ? "443" : "80";
}

/** Which hosts may be asked and paid. */
export class HostList {
  readonly #entries: readonly Entry[] | undefined;

  /** @param patterns undefined: every host */
  constructor(patterns: readonly string[] | undefined) {
    this.#entries = patterns?.map(parseEntry);
  }

  has(hostname: string, port: string): boolean {
    if (this.#entries === undefined) return true;
    const name = hostname.toLowerCase().replace(/\.$/, "");
    return this.#entries.some((entry) => (entry.port === undefined || entry.port === port) && (entry.isSuffix ? name.endsWith(entry.name) : name === entry.name));
  }

  /** @throws SidecarError `buy/host` */
  require(url: URL): void {
    if (!this.has(url.hostname, portOf(url))) throw new SidecarError("buy/host", { host: url.host });
  }
}

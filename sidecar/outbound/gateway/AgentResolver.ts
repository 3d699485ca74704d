import type { SealedPartner } from "../../../sdk/index.ts";

/** A remote agent that can be asked over HTTP. */
export interface ResolvedAgent {
  /** Where its service begins, such as `https://translate.example/` . */
  readonly url: string;
  /** Who is paid there; undefined: not known, then whoever the seller names. */
  readonly address: string | undefined;
  /** Its key for sealed bodies, as it is now. Left out: nothing can be sealed to it. @throws what discovery does */
  readonly partner?: (() => Promise<SealedPartner>) | undefined;
}

/** Finds agents: by name, id in the registry, or address. */
export interface AgentResolver {
  /** Undefined: there is no such agent. @throws when it cannot be found out now */
  resolve(name: string): Promise<ResolvedAgent | undefined>;
}

const MOST = 1_024;

/** Remembers for a while what a resolver has found; at most one question about a name at a time. */
export class CachedResolver implements AgentResolver {
  readonly #resolver: AgentResolver;
  readonly #keepMs: number;
  readonly #found = new Map<string, { readonly agent: Promise<ResolvedAgent | undefined>; readonly at: number }>();

  constructor(resolver: AgentResolver, keepMs: number) {
    this.#resolver = resolver;
    this.#keepMs = keepMs;
  }

  resolve(name: string): Promise<ResolvedAgent | undefined> {
    const known = this.#found.get(name);
    if (known !== undefined && performance.now() - known.at < this.#keepMs) return known.agent;
    const agent = this.#resolver.resolve(name);
    this.#found.delete(name);
    this.#found.set(name, { agent, at: performance.now() });
    if (this.#found.size > MOST) this.#found.delete(this.#found.keys().next().value!);
    // A failure is not remembered.
    agent.catch(() => this.#found.delete(name));
    return agent;
  }
}

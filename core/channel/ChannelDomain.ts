import { channelDomainSeparator } from "./digests.ts";

/** The chain's ChannelAdjudicator, and the domain of what its channels sign. */
export interface ChannelDomain {
  /** 20 bytes. */
  readonly adjudicator: Uint8Array;
  /** 32 bytes: EIP-712. */
  readonly separator: Uint8Array;
}

/** The domain of a chain's channels: its L1's chain id and its adjudicator (CH-1). */
export function channelDomain(domain: { readonly chainId: number | bigint; readonly adjudicator: Uint8Array }): ChannelDomain {
  return { adjudicator: domain.adjudicator, separator: channelDomainSeparator(domain) };
}

import { AbiCoder, ZeroHash, id as hashOfText } from "ethers";

/** What a bounty says about the uptime that it pays for (docs/BOUNTIES.md section 6). Lengths in seconds, shares in 1/10,000. */
export interface UptimeTerms {
  /** At most 16 addresses, ascending; empty for an open panel. */
  readonly panel: readonly string[];
  /** `endpointHashOf(url)`, or `ANNOUNCED` when the operator says where it serves. */
  readonly endpointHash: string;
  readonly periodSeconds: number;
  readonly commitSeconds: number;
  readonly revealSeconds: number;
  readonly quorum: number;
  readonly toleranceBps: number;
  readonly floorBps: number;
  readonly badPeriods: number;
}

/** In place of an endpoint's hash: the operator announces it. */
export const ANNOUNCED = ZeroHash;

const TERMS_TYPE = "tuple(address[] panel,bytes32 endpointHash,uint32 periodSeconds,uint32 commitSeconds,uint32 revealSeconds,uint8 quorum,uint16 toleranceBps,uint16 floorBps,uint16 badPeriods)";

const coder = AbiCoder.defaultAbiCoder();

/** The parameters of a bounty that is metered by an UptimeMeter. The panel is put in order. */
export function encodeUptimeTerms(terms: UptimeTerms): string {
  const panel = terms.panel.map((address) => address.toLowerCase()).sort();
  return coder.encode([TERMS_TYPE], [{ ...terms, panel }]);
}

/** @throws what ethers throws for what is no encoding of terms */
export function decodeUptimeTerms(params: string): UptimeTerms {
  const [{ panel, endpointHash, periodSeconds, commitSeconds, revealSeconds, quorum, toleranceBps, floorBps, badPeriods }] = coder.decode([TERMS_TYPE], params) as unknown as [Record<string, bigint> & { panel: Iterable<string>; endpointHash: string }];
  return {
    panel: [...panel],
    endpointHash,
    periodSeconds: Number(periodSeconds),
    commitSeconds: Number(commitSeconds),
    revealSeconds: Number(revealSeconds),
    quorum: Number(quorum),
    toleranceBps: Number(toleranceBps),
    floorBps: Number(floorBps),
    badPeriods: Number(badPeriods),
  };
}

export function endpointHashOf(url: string): string {
  return hashOfText(url);
}

/** The parameters of a bounty that hires a validator, metered by a ValidatorMeter. */
export function encodeValidatorTerms({ board, id, maxSlashed }: { readonly board: string; readonly id: bigint; readonly maxSlashed: number }): string {
  return coder.encode(["tuple(address board,uint256 id,uint64 maxSlashed)"], [{ board, id, maxSlashed }]);
}

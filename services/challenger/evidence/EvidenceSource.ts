import type { BlockRef } from "../../../chain/HeadWatcher.ts";

/** A report that costs an operator its bond, ready to be sent. */
export interface EvidenceReport {
  /** The same for the same offence. */
  readonly id: string;
  readonly to: string;
  readonly data: string;
  /** More than it takes: what an estimate says can be too little in the next slot. */
  readonly gasLimit: bigint;
}

/** Who watches for operators that sign two different heads for one place. */
export interface EvidenceSource {
  /** What can be reported as of this block; a report that was accepted is not in it. */
  read(head: BlockRef): Promise<readonly EvidenceReport[]>;
}

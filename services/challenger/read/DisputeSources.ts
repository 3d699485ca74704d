import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts } from "../../../chain/connectContracts.ts";
import type { KnownClaim, KnownEpoch } from "../../../derivation/ChainView.ts";
import type { ClaimEvent } from "../../../derivation/ChainView.ts";
import type { MoveBook } from "./MoveBook.ts";

/** What the reading asks of the replica: it has taken over everything up to the block that is read. */
export interface OwnView {
  readonly view: {
    readonly epochs: readonly KnownEpoch[];
    readonly claims: ReadonlyMap<string, KnownClaim>;
    readonly claimEvents: readonly ClaimEvent[];
  };
  /** State root after so many batches; undefined while they are not executed. */
  rootAt(batchCount: number): Uint8Array | undefined;
}

/** Where a turn's state comes from. */
export interface DisputeSources {
  readonly provider: JsonRpcApiProvider;
  readonly contracts: Pick<RootContracts, "inbox" | "settlement" | "game">;
  readonly chainId: number;
  readonly inboxAddress: string;
  /** L1 block of the deployment. */
  readonly firstBlock: number;
  /** Our account: it backs and moves. */
  readonly address: string;
  /** Backers, lower case, whose entries we play where they name us as mover. What their games win is theirs, so nobody else's are played. */
  readonly playFor: ReadonlySet<string>;
  readonly replica: OwnView;
  readonly moves: MoveBook;
  /** Unconfirmed epochs that are played for at once. */
  readonly maxEpochs: number;
}

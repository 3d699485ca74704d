import { randomBytes } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";

import { bidCommitment } from "../../../chain/bounties/bidCommitment.ts";
import { writeFileAtomic } from "../../../runtime/files/writeFileAtomic.ts";
import { PolicyError } from "../policy/PolicyError.ts";

/** A sealed bid: what has to be told again when it is revealed. */
export interface SealedBid {
  readonly chainId: number;
  /** Address of the board, lower case. */
  readonly board: string;
  readonly bounty: number;
  readonly round: number;
  readonly bidder: string;
  readonly agentId: bigint;
  readonly priceBase: bigint;
  /** 32 bytes as 0x text. Whoever knows it before the reveal can guess the price. */
  readonly salt: string;
}

export type BidKey = Pick<SealedBid, "chainId" | "board" | "bounty" | "round" | "bidder">;

const isNotThere = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";
const isSame = (a: BidKey, b: BidKey): boolean =>
  a.chainId === b.chainId && a.board.toLowerCase() === b.board.toLowerCase() && a.bounty === b.bounty && a.round === b.round && a.bidder.toLowerCase() === b.bidder.toLowerCase();

function commitmentOf({ chainId, board, bounty, round, bidder, agentId, priceBase, salt }: SealedBid): string {
  return bidCommitment({ chainId: BigInt(chainId), board, id: BigInt(bounty), round, bidder }, { agentId, price: priceBase, salt });
}

/** The salts of an account's bids, in a file that only its owner reads. A bid without its salt loses half of its stake. */
export class BidBook {
  readonly #file: string;
  #bids: SealedBid[] = [];

  private constructor(file: string) {
    this.#file = file;
  }

  /** @throws PolicyError `policy/stateDamaged` */
  static async open(file: string): Promise<BidBook> {
    const book = new BidBook(file);
    await book.#read();
    return book;
  }

  async #read(): Promise<void> {
    let text: string;
    try {
      text = await readFile(this.#file, "utf8");
    } catch (error) {
      if (isNotThere(error)) return;
      throw error;
    }
    try {
      const bids = (JSON.parse(text) as { bids: Record<string, unknown>[] }).bids;
      this.#bids = bids.map((bid) => {
        const { chainId, board, bounty, round, bidder, agentId, priceBase, salt } = bid;
        if (!/^0x[0-9a-f]{64}$/.test(String(salt))) throw new RangeError("a salt is no 32 bytes");
        return { chainId: Number(chainId), board: String(board), bounty: Number(bounty), round: Number(round), bidder: String(bidder), agentId: BigInt(String(agentId)), priceBase: BigInt(String(priceBase)), salt: String(salt) };
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new PolicyError("policy/stateDamaged", { file: this.#file }, "stop", { what: `The file of bids ${this.#file} cannot be read: ${why}`, todo: "Restore it: bids that are not revealed lose half of their stakes" }, { cause: error });
    }
  }

  /** What was written down last for this round, or what hides behind a commitment. */
  find(key: BidKey, commitment?: string): SealedBid | undefined {
    return this.#bids.findLast((bid) => isSame(bid, key) && (commitment === undefined || commitmentOf(bid) === commitment.toLowerCase()));
  }

  /** Bounties of a board that it holds salts for. */
  bounties(board: string): number[] {
    return [...new Set(this.#bids.filter((bid) => bid.board.toLowerCase() === board.toLowerCase()).map(({ bounty }) => bounty))];
  }

  /**
   * The bid of this agent at this price that is written down for this round already, or a new one with a fresh salt, on disk before it
   * returns. Nothing is written over: of two bids the first may have been committed all the same.
   */
  async seal(key: BidKey, agentId: bigint, priceBase: bigint): Promise<SealedBid> {
    const known = this.#bids.findLast((bid) => isSame(bid, key) && bid.agentId === agentId && bid.priceBase === priceBase);
    if (known !== undefined) return known;
    const bid: SealedBid = { ...key, agentId, priceBase, salt: `0x${randomBytes(32).toString("hex")}` };
    const bids = [...this.#bids, bid];
    await mkdir(dirname(this.#file), { recursive: true });
    const text = JSON.stringify({ bids }, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value), 2);
    await writeFileAtomic(this.#file, `${text}\n`, 0o600);
    this.#bids = bids;
    return bid;
  }
}

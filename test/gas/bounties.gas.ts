import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";

import type { BountyTerms } from "../../chain/bounties/BountyTerms.ts";
import { termsStruct } from "../../chain/bounties/BountyTerms.ts";
import { BountyStage, GOAL, SALT } from "../builders/bountyStage.ts";

const DOCUMENT = { uri: "https://agents.example/bounties/a-sequencer-for-our-chain.json", hash: `0x${"12".repeat(32)}` };

/** Gas of bounties: each call where it costs what it costs most of the time, with a test meter. A real one adds what it takes to ask it. */
export async function measureGas(): Promise<Record<string, number>> {
  const stage = await BountyStage.start({ feeBps: 100 });
  const figures: Record<string, number> = {};
  const note = (name: string, receipt: ContractTransactionReceipt): ContractTransactionReceipt => {
    figures[`BountyBoard.${name}`] = Number(receipt.gasUsed);
    return receipt;
  };
  const measure = async (name: string, call: Promise<ContractTransactionResponse>): Promise<void> => {
    note(name, await stage.send(call));
  };
  const by = stage.by.bind(stage);
  const [first, second] = [stage.bidders[0]!, stage.bidders[1]!];
  try {
    for (const [name, token] of [["", ""], [", ERC-20", stage.addressOf(stage.token)]] as const) {
      const inToken = (terms: BountyTerms): BountyTerms => (token === "" ? terms : { ...terms, token });
      const terms = inToken(stage.metered({ maxRounds: 3, sourceParams: `0x${"11".repeat(128)}` }));
      if (token !== "") await stage.engaged(inToken(stage.terms()));

      await measure(`post (metered)${name}`, by(stage.poster).post(termsStruct(terms), DOCUMENT, DOCUMENT, 0));
      const id = await stage.board.bountyCount();
      await measure(`fund (first)${name}`, by(stage.poster).fund(id, GOAL / 2n, stage.value(terms, GOAL / 2n)));
      await measure(`fund (reaches the goal)${name}`, by(stage.funder).fund(id, GOAL / 2n, stage.value(terms, GOAL / 2n)));
      await measure(`commitBid${name}`, by(first).commitBid(id, await commitmentOf(stage, id, first, 1_000n), stage.value(terms, terms.stake)));
      await stage.commit(id, second, 900n);
      await stage.until(id, "REVEAL");
      note(`revealBid${name}`, await stage.reveal(id, first, 1_000n));
      note(`revealBid (before another)${name}`, await stage.reveal(id, second, 900n));
      await stage.until(id, "AWARD");
      await measure(`award (metered)${name}`, by(stage.poster).award(id, first.address));
      await stage.meterSays("Good", 3n);
      await stage.send(by(stage.stranger).claimUnits(id));
      await stage.meterSays("Good", 4n);
      await measure(`claimUnits (a batch)${name}`, by(stage.stranger).claimUnits(id));
      await stage.meterSays("Good", 4n, true);
      await measure(`fail (a standby is there)${name}`, by(stage.stranger).fail(id));
      await stage.until(id, "FALLBACK");
      await measure(`awardBest (metered)${name}`, by(stage.stranger).awardBest(id));
      await stage.pass(10_000);
      await measure(`finish${name}`, by(stage.stranger).finish(id));
      await measure(`refund${name}`, by(stage.stranger).refund(id, stage.funder.address));
      await measure(`withdraw${name}`, by(first).withdraw(terms.token, first.address));

      const milestones = inToken(stage.milestones());
      const work = await stage.post(milestones);
      await stage.bids(work, [GOAL]);
      await measure(`award (milestones)${name}`, by(stage.poster).award(work, first.address));
      await stage.complete(work);
      note(`advance (next part)${name}`, await stage.advance(work));
      await stage.complete(work);
      await stage.advance(work);
      await stage.complete(work);
      note(`advance (last part)${name}`, await stage.advance(work));
    }
    const lowest = stage.bidders[8]!;
    const full = await stage.post(stage.terms());
    for (const bidder of stage.bidders.slice(0, 9)) await stage.commit(full, bidder, bidder === lowest ? 1n : 50n);
    await stage.until(full, "REVEAL");
    for (const bidder of stage.bidders.slice(0, 8)) await stage.reveal(full, bidder, 50n);
    note("revealBid (the lowest of nine)", await stage.reveal(full, lowest, 1n));
    await stage.until(full, "AWARD");
    await measure("withdrawBid (the first of eight)", by(lowest).withdrawBid(full, lowest.address));
    await measure("close", by(stage.poster).close(full));
    await measure("post (16 milestones)", by(stage.poster).post(termsStruct(stage.milestones({ shares: Array.from({ length: 16 }, () => 625) })), DOCUMENT, DOCUMENT, 0));
    return figures;
  } finally {
    await stage.connection.close();
  }
}

async function commitmentOf(stage: BountyStage, id: bigint, bidder: (typeof stage.bidders)[number], price: bigint): Promise<string> {
  const { round } = await stage.state(id);
  return await stage.board.commitmentOf(id, round, bidder.address, stage.agentOf(bidder), price, SALT);
}

import { expect } from "chai";

import type { Side } from "../../core/dispute/index.ts";
import { OP, RESERVED_OPCODES } from "../../core/generated/protocol.ts";
import { getField } from "../builders/editLeaf.ts";
import { createMarketEpoch, FILLER } from "../builders/marketEpoch.ts";
import type { MarketEpoch } from "../builders/marketEpoch.ts";
import { payVictim } from "../builders/payVictim.ts";
import { playDispute } from "../builders/playDispute.ts";
import type { MarketLie } from "./lies/MarketLie.ts";
import { ruleLies } from "./lies/ruleLies.ts";
import { valueLies } from "./lies/valueLies.ts";

const PARTS = [16, 4, 2] as const;
const SIDES: readonly Side[] = ["earlier", "later"];

for (const node of [undefined, "anvil"] as const) {
  describe(`a sequencer that lies about a batch of 4,096 records and more, on ${node ?? "Hardhat"}`, function () {
    this.timeout(120_000);
    let market: MarketEpoch;

    before(async () => {
      market = await createMarketEpoch(PARTS, { node });
    });
    afterEach(() => market.reset());
    after(() => market.chain.close());

    function tell(lie: MarketLie, place: number): void {
      const table = place % PARTS.length;
      const liar = SIDES[place % SIDES.length]!;
      it(`${lie.about}: loses bond and claim to one honest party when it ${lie.what} (k = ${PARTS[table]}, the liar is the ${liar})`, async () => {
        const { chain, truth, parents, accumulator } = market;
        const told = lie.tell(market);
        if (lie.effect !== undefined) {
          const [agent, units] = lie.effect;
          const gain = getField(told.endState(), "AGENT", agent, "balance") - getField(market.rollup.state, "AGENT", agent, "balance");
          expect(gain, "what the lie is worth").to.equal(BigInt(units));
        }
        const { confirmedClaim } = await playDispute({
          chain, truth, accumulator, lie: told, liar,
          table: chain.tables[table]!,
          parent: parents[table]!,
          falseStep: told.step,
          forgeries: (recorded) => lie.forgeries?.(recorded, told, market) ?? [],
        });
        if (table === 0) await payVictim(market, confirmedClaim);
      });
    }

    it("great batch: has more records than 4,096, and the lies are in the middle of them", () => {
      expect(market.rollup.batch(market.batch).slots).to.be.above(FILLER);
      expect(market.batch).to.be.above(0);
      const last = market.rollup.batches.length - 1;
      expect(market.batch).to.be.below(last);
    });

    it("matrix: has a lie about every operation of the rulebook, from L1 too", () => {
      const told = new Set(valueLies.map(({ about }) => about));
      const operations = Object.entries(OP).filter(([, id]) => id !== OP.HEADER && !RESERVED_OPCODES.includes(id)).map(([name]) => name);
      expect(operations.filter((name) => !told.has(name))).to.deep.equal([]);
    });

    for (const [place, lie] of valueLies.entries()) tell(lie, place);
    for (const [place, lie] of ruleLies.entries()) tell(lie, 3 * place);
  });
}

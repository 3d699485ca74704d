import { expect } from "chai";
import { formatEther } from "ethers";

import type { TraceOracle } from "../../core/dispute/index.ts";
import { Crowd } from "../builders/Crowd.ts";
import type { CrowdPlan, CrowdReport } from "../builders/Crowd.ts";
import { DEFAULT_TERMS } from "../builders/disputeChain.ts";
import { InventedTrace } from "../builders/InventedTrace.ts";
import { createMarketEpoch } from "../builders/marketEpoch.ts";
import type { MarketEpoch } from "../builders/marketEpoch.ts";
import { ruleLies } from "./lies/ruleLies.ts";
import { valueLies } from "./lies/valueLies.ts";

describe("a crowd of false rivals in the last second", function () {
  this.timeout(300_000);
  let market: MarketEpoch;

  before(async () => {
    market = await createMarketEpoch([16, 2], { terms: DEFAULT_TERMS });
  });
  afterEach(() => market.reset());
  after(() => market.chain.close());

  async function play(title: string, plan: Pick<CrowdPlan, "lies" | "backers" | "isSilent" | "isTrueFirst">, table = 0): Promise<CrowdReport> {
    const { chain, truth, accumulator, parents } = market;
    const honest = [chain.signers[1]!, chain.signers[2]!];
    const report = await new Crowd({ chain, truth, accumulator, honest, table: chain.tables[table]!, parent: parents[table]!, ...plan }).play();
    const ether = (wei: bigint): string => Number(formatEther(wei)).toFixed(4);
    process.stdout.write(
      `      ${title}: ${report.rivals} rivals, ${report.games} games, ${report.transactions} transactions; ${(report.tookSeconds / 3600).toFixed(2)} h of ${(report.boundSeconds / 3600).toFixed(2)} h; ` +
        `honest accounts ${report.gainsWei.map((wei, i) => `${ether(wei)} ETH (gas ${ether(report.gasWei[i]!)})`).join(", ")}; ${report.honestMs.toFixed(0)} ms, log ${report.logBytes} bytes; rivals lost ${ether(report.lossWei)} ETH\n`,
    );
    return report;
  }

  function expectSafe({ tookSeconds, boundSeconds, gainsWei }: CrowdReport): void {
    expect(tookSeconds).to.be.at.most(boundSeconds);
    for (const gain of gainsWei) expect(gain >= 0n, `an honest account lost ${formatEther(-gain)} ETH`).to.equal(true);
  }

  const realLies = (count: number): TraceOracle[] => [...valueLies, ...ruleLies].slice(0, count).map((lie) => lie.tell(market));
  const inventions = (count: number): TraceOracle[] => Array.from({ length: count }, (_, i) => new InventedTrace(market.truth, 1 + ((i * 811) % (market.truth.length - 1)), `rival ${i}`));

  it("one liar that challenges a true claim: loses its bond, and who defended the truth is paid", async () => {
    const report = await play("one rival", { lies: realLies(1), backers: 0, isTrueFirst: true });
    expectSafe(report);
    expect(report.lossWei > DEFAULT_TERMS.bondWei).to.equal(true);
    expect(report.gainsWei[0]! > 0n).to.equal(true);
  });

  it("20 rivals with 20 different lies: are all out within the bound, and no honest account has less than before", async () => {
    expectSafe(await play("20 lies", { lies: realLies(20), backers: 0 }));
  });

  it("20 rivals, half of them backing at the last second of W + D: as well, when k = 2", async () => {
    expectSafe(await play("10 lies, 10 backers, k = 2", { lies: realLies(10), backers: 10 }, 1));
  });

  it("20 rivals that open in their last second and fall silent: are timed out, and no honest account has less than before", async () => {
    expectSafe(await play("20 silent", { lies: realLies(20), backers: 0, isSilent: true }));
  });

  it("100 rivals with made-up states, half of them backing: are all out within the bound, and no honest account has less than before", async () => {
    expectSafe(await play("100 rivals", { lies: inventions(50), backers: 50 }));
  });
});

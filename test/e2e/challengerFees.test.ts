import { expect } from "chai";
import { Wallet } from "ethers";

import { startDisputeNetwork } from "../builders/disputeNetwork.ts";
import { pause, until } from "../builders/until.ts";
import type { DisputeNetwork } from "../builders/disputeNetwork.ts";

const LIAR = `0x${"71".repeat(32)}`;
const HONEST = `0x${"72".repeat(32)}`;
const GWEI = 1_000_000_000n;
const CALM_FEE_WEI = 4n * GWEI;
const HIGH_FEE_WEI = 50n * CALM_FEE_WEI;
/** Below the high fee: the challenger pays more only because of its deadlines. */
const CALM_CAP_WEI = 100n * GWEI;
const BLOCK_MS = 1_000;
/** Real seconds. */
const TIMES = { windowSeconds: 24, joinSeconds: 24, clockSeconds: 30, incrementSeconds: 8, parts: 16 };

describe("base fee 50 times as high", function () {
  this.timeout(240_000);
  let network: DisputeNetwork;
  let miner: ReturnType<typeof setInterval> | undefined;
  let baseFeeWei = CALM_FEE_WEI;

  before(async () => {
    network = await startDisputeNetwork("anvil", TIMES);
    for (const key of [LIAR, HONEST]) await network.fund(key);
  });
  after(async () => {
    clearInterval(miner);
    await network.stop();
  });

  async function mine(): Promise<void> {
    await network.chain.send("anvil_setNextBlockBaseFeePerGas", [`0x${baseFeeWei.toString(16)}`]);
    await network.chain.send("evm_mine");
  }

  it("fees: rise toward the deadlines up to what is at stake, so that every move is in time and the liar loses", async () => {
    const { settlement, game } = network.rollup.contracts;
    const epoch = await network.epoch(40);
    await network.chain.send("evm_setAutomine", [false]);
    for (let block = 0; block < 3; block += 1) await mine();
    let isMining = false;
    miner = setInterval(() => {
      if (isMining) return;
      isMining = true;
      void mine().finally(() => (isMining = false));
    }, BLOCK_MS);
    const liar = network.liar(LIAR, epoch, 1, 50);
    await liar.enter();
    const asked: string[] = [];
    const challenger = await network.challenger(HONEST, { fees: { calmCapWei: CALM_CAP_WEI }, onCall: ({ type }) => asked.push(type) });
    await until("the true claim is on its way", () => asked.includes("claim"));
    baseFeeWei = HIGH_FEE_WEI;

    let isOver = false;
    const playing = (async () => {
      while (!isOver) {
        // A transaction that waits for a block is asked for again by the next look.
        await liar.play().catch((error: unknown) => expect(String(error)).to.match(/timeout|replac|underpriced|nonce|already known|revert/i));
        await pause(200);
      }
    })();
    await until("the liar is out", async () => (await settlement.queryFilter(settlement.filters.Eliminated())).length > 0, 150_000);
    isOver = true;
    await playing;
    const [eliminated] = await settlement.queryFilter(settlement.filters.Eliminated());
    const [opened] = await game.queryFilter(game.filters.Opened());
    expect(Number(eliminated?.args.loser), "the entry that is out").to.equal(0);
    expect(challenger.status().alarms).to.deep.equal([]);
    const prices = await Promise.all([eliminated, opened].map(async (event) => (await event!.getTransactionReceipt()).gasPrice));
    const { address } = new Wallet(HONEST);
    expect((await opened!.getTransaction()).from).to.equal(address);
    for (const price of prices) expect(price > CALM_CAP_WEI, `${price} wei a gas`).to.equal(true);

    baseFeeWei = CALM_FEE_WEI;
    await until("the true claim is confirmed", async () => (await settlement.latestConfirmed()).nextEpoch > BigInt(epoch), 90_000);
    expect((await settlement.latestConfirmed()).stateRoot).to.equal(network.trueRoot(epoch));
  });
});

import { expect } from "chai";

import { startSwitchableProxy } from "../builders/switchableProxy.ts";
import { testKey } from "../builders/towerChannel.ts";
import type { TowerChannel } from "../builders/towerChannel.ts";
import { TowerNetwork } from "../builders/towerNetwork.ts";
import { pause, until } from "../builders/until.ts";

const GWEI = 1_000_000_000n;
const CALM_FEE_WEI = 4n * GWEI;
const HIGH_FEE_WEI = 50n * CALM_FEE_WEI;
/** Below the high fee: the tower pays more only because of the deadline. */
const CALM_CAP_WEI = 100n * GWEI;
const BLOCK_MS = 300;
/** Real seconds. */
const SHORT_WINDOW = 24;
const REORG_BLOCKS = 5;
const CLOSED = 3;

describe("watchtower in bad weather", function () {
  this.timeout(120_000);
  let network: TowerNetwork;
  let miner: ReturnType<typeof setInterval> | undefined;
  let baseFeeWei = CALM_FEE_WEI;

  before(async () => {
    network = await TowerNetwork.start("anvil");
  });
  afterEach(async () => {
    clearInterval(miner);
    await network.chain.send("evm_setAutomine", [true]);
    await network.chain.send("evm_mine");
  });
  after(() => network.stop());

  /** Blocks come by the clock, at the base fee of the moment. */
  async function mineByClock(): Promise<void> {
    await network.chain.send("evm_setAutomine", [false]);
    let isMining = false;
    const mine = async (): Promise<void> => {
      await network.chain.send("anvil_setNextBlockBaseFeePerGas", [`0x${baseFeeWei.toString(16)}`]);
      await network.chain.send("evm_mine");
    };
    await mine();
    miner = setInterval(() => {
      if (isMining) return;
      isMining = true;
      void mine().finally(() => (isMining = false));
    }, BLOCK_MS);
  }

  const isAnswered = async (channel: TowerChannel, paid: number): Promise<boolean> => (await network.markOf(channel)).paid[1] === paid;

  it("base fee 50 times as high: the offer rises with the window, up to what is at stake, and the answer is in time", async () => {
    baseFeeWei = CALM_FEE_WEI;
    const channel = await network.open([1_000, 1_000], { windowSeconds: SHORT_WINDOW });
    const { tower, stop } = await network.tower("fees", { fees: { calmCapWei: CALM_CAP_WEI } });
    await tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    await mineByClock();
    baseFeeWei = HIGH_FEE_WEI;
    await pause(2 * BLOCK_MS);
    // The cheater pays what it takes.
    await network.sendChallenge(channel, 1, undefined, { maxFeePerGas: 4n * HIGH_FEE_WEI, maxPriorityFeePerGas: GWEI });
    await until("the close is answered", () => isAnswered(channel, 90), 40_000);
    const [event] = await network.adjudicator.queryFilter(network.adjudicator.filters.VoucherRecorded(channel.id));
    const receipt = await event!.getTransactionReceipt();
    const block = await event!.getBlock();
    expect(block.timestamp).to.be.lessThan((await network.markOf(channel)).deadline);
    expect(receipt.gasPrice > CALM_CAP_WEI, `${receipt.gasPrice} wei a gas`).to.equal(true);
    expect(receipt.from).to.equal(testKey("fees lane 0").wallet.address);
    await stop();
  });

  it("value at risk: an answer never costs more than what the client would lose", async () => {
    baseFeeWei = HIGH_FEE_WEI;
    const channel = await network.open([1_000, 1_000], { windowSeconds: SHORT_WINDOW });
    const { tower, stop } = await network.tower("stingy", { fees: { calmCapWei: CALM_CAP_WEI, stakeWei: 0n } });
    await tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    const alarms: string[] = [];
    await network.challenge(channel, 1);
    await until("it asks for the answer and alarms", () => {
      alarms.push(...tower.status().alarms);
      return alarms.some((alarm) => alarm.startsWith("L1_FEE_CAP"));
    });
    expect(await isAnswered(channel, 90)).to.equal(false);
    expect(tower.isWell()).to.equal(false);
    await stop();
  });

  it("reorganisation: five blocks that hold the answer go away, and it is in the chain again in time", async () => {
    const channel = await network.open();
    const { tower, stop } = await network.tower("reorg");
    await tower.intake.submit(channel.request(channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90 } })));
    await network.challenge(channel, 1, { base: channel.base(1, 0, 0), vouchers: [] });
    const before = await network.chain.provider.getBlockNumber();
    await until("the close is answered", () => isAnswered(channel, 90));
    for (let block = await network.chain.provider.getBlockNumber(); block < before + REORG_BLOCKS; block += 1) await network.chain.send("evm_mine");
    await network.chain.send("anvil_reorg", [REORG_BLOCKS, []]);
    await until("it is answered again", () => isAnswered(channel, 90));
    await network.skip(1_600);
    await network.close(channel);
    expect(await network.markOf(channel)).to.include({ status: CLOSED, version: 2 });
    await stop();
  });

  it("reorganisation: the close itself goes away and comes back in another block, and is answered there", async () => {
    const channel = await network.open();
    const { tower, stop } = await network.tower("reorg of the close");
    await tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    for (let block = 0; block < 2 * REORG_BLOCKS; block += 1) await network.chain.send("evm_mine");
    await network.challenge(channel, 1);
    await until("the close is answered", () => isAnswered(channel, 90));
    await network.chain.send("anvil_reorg", [REORG_BLOCKS, []]);
    await until("it is closing once more, or open", async () => (await network.markOf(channel)).status < CLOSED);
    if ((await network.markOf(channel)).status === 1) await network.challenge(channel, 1);
    await until("the close is answered again", () => isAnswered(channel, 90));
    await stop();
  });

  it("outage: no endpoint answers for half of the window, and the answer is in time", async () => {
    const proxies = [await startSwitchableProxy(network.chain.url), await startSwitchableProxy(network.chain.url)];
    const channel = await network.open([1_000, 1_000], { windowSeconds: 16 });
    const { tower, stop } = await network.tower("outage", { urls: proxies.map(({ url }) => url) });
    await tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    for (const proxy of proxies) proxy.isUp = false;
    await mineByClock();
    baseFeeWei = CALM_FEE_WEI;
    await network.sendChallenge(channel, 1);
    await until("the tower tells that it is blind", () => tower.status().alarms.some((alarm) => alarm.startsWith("tower/l1-down")));
    expect(tower.isWell()).to.equal(false);
    await until("half of the window is gone", async () => {
      const { deadline } = await network.markOf(channel);
      const head = await network.chain.provider.getBlock("latest");
      return deadline > 0 && head!.timestamp >= deadline - 8;
    });
    proxies[1]!.isUp = true;
    await until("the close is answered", () => isAnswered(channel, 90), 10_000);
    await stop();
    for (const proxy of proxies) await proxy.stop();
  });

  it("lanes: an account that cannot send holds nothing up for long: the spare one answers", async () => {
    const [stuck, other] = [await network.open(), await network.open()];
    const { tower, stop } = await network.tower("lanes", { laneCount: 2, policy: { laneAfter: 0.05 } });
    for (const channel of [stuck, other]) await tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    await network.chain.send("anvil_setBalance", [testKey("lanes lane 0").wallet.address, "0x0"]);
    for (const channel of [stuck, other]) await network.challenge(channel, 1);
    await until("an answer is asked for", () => tower.status().answers > 0);
    await network.skip(100);
    for (const channel of [stuck, other]) await until("the spare account answers", () => isAnswered(channel, 90));
    const events = await network.adjudicator.queryFilter(network.adjudicator.filters.VoucherRecorded(stuck.id));
    expect((await events[0]!.getTransaction()).from).to.equal(testKey("lanes lane 1").wallet.address);
    expect(tower.status().alarms.some((alarm) => alarm.startsWith("tower/low-balance"))).to.equal(true);
    await stop();
  });

  it("backup: the second tower acts only after its part of the window, and only if nobody has answered", async () => {
    const [slept, served] = [await network.open(), await network.open()];
    const backup = await network.tower("backup", { policy: { actAfter: 0.5 } });
    for (const channel of [slept, served]) await backup.tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    const first = await network.tower("primary");
    await first.tower.intake.submit(served.request(served.state(0, { voucher: { sequence: 9, paid: 90 } })));
    for (const channel of [slept, served]) await network.challenge(channel, 1);
    await until("the first tower answers", () => isAnswered(served, 90));
    await network.skip(300);
    await backup.tower.look();
    await pause(500);
    expect(await isAnswered(slept, 90)).to.equal(false);
    await network.skip(250);
    await until("the backup answers", () => isAnswered(slept, 90));
    const answers = await network.adjudicator.queryFilter(network.adjudicator.filters.VoucherRecorded(served.id));
    expect(answers).to.have.length(1);
    await first.stop();
    await backup.stop();
  });

  it("restart: a tower that is killed in mid-dispute and started again answers from its disk", async () => {
    const channel = await network.open();
    const first = await network.tower("restart");
    await first.tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 9, paid: 90 } })));
    await network.chain.send("evm_setAutomine", [false]);
    await network.sendChallenge(channel, 1);
    await network.chain.send("evm_mine");
    await until("it asks for the answer", () => first.tower.status().answers === 1);
    await first.stop();
    await network.chain.send("anvil_dropAllTransactions");
    const second = await network.tower("restart");
    await network.chain.send("evm_setAutomine", [true]);
    await network.chain.send("evm_mine");
    await until("the close is answered", () => isAnswered(channel, 90));
    await second.stop();
  });
});

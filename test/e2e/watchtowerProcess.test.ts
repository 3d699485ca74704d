import { expect } from "chai";

import { configStruct, updateStruct } from "../../chain/channels/channelStructs.ts";
import { rankOf, updateOf } from "../../chain/tower/TowerState.ts";
import type { TowerState } from "../../chain/tower/TowerState.ts";
import { toHex } from "../../core/codec/hex.ts";
import { SdkError } from "../../sdk/SdkError.ts";
import { TowerClient } from "../../sdk/TowerClient.ts";
import type { SignedReceipt } from "../../sdk/TowerClient.ts";
import { Random } from "../differential/scenario/Random.ts";
import { testKey } from "../builders/towerChannel.ts";
import type { TowerChannel } from "../builders/towerChannel.ts";
import { BOND_WEI, DAY_SECONDS, TowerNetwork } from "../builders/towerNetwork.ts";
import { pause, until } from "../builders/until.ts";
import { TowerProcess } from "../builders/TowerProcess.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
const KILLS = Number(process.env["TOWER_KILLS"] ?? 3);
const NAME = "bonded";

describe("watchtower as a process", function () {
  this.timeout(180_000);
  let network: TowerNetwork;
  let tower: TowerProcess;

  before(async () => {
    network = await TowerNetwork.start("anvil");
    await network.bondTower(NAME);
    tower = new TowerProcess(network, NAME);
    await tower.start();
  });
  after(async () => {
    await tower.stop();
    await network.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`seed ${SEED}\n${tower.output.slice(-4_000)}\n`);
  });

  const bondedBy = testKey(`${NAME} lane 0`).wallet.address;
  function clientOf(channel: TowerChannel, keep?: (signed: SignedReceipt) => Promise<void>): TowerClient {
    return new TowerClient({ url: tower.url, domain: network.domain, tower: bondedBy, provider: network.chain.provider, sign: (digest, side) => Promise.resolve(channel.sign(side, digest)), ...(keep === undefined ? {} : { keep }) });
  }
  const voucherState = (channel: TowerChannel, sequence: number): TowerState => channel.state(0, { voucher: { sequence, paid: sequence * 10 } });
  const slash = (channel: TowerChannel, state: TowerState, { receipt, signature }: SignedReceipt) =>
    network.bond.slash(bondedBy, { ...receipt, channelId: toHex(receipt.channelId) }, signature, configStruct(channel.config), updateStruct(updateOf(state)), { gasLimit: 1_000_000 });

  it("receipts: killed (-9) again and again, it has every state that it gave a receipt for", async () => {
    const random = new Random(SEED);
    const channels: TowerChannel[] = [];
    for (let count = 0; count < 4; count += 1) channels.push(await network.open());
    let sequence = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const promised = new Map<TowerChannel, number>();
      let isDown = false;
      const handing = channels.map(async (channel) => {
        const client = clientOf(channel);
        while (!isDown) {
          sequence += 1;
          const state = voucherState(channel, sequence);
          try {
            await client.submit(state);
          } catch (error) {
            if (isDown || (error instanceof SdkError && error.code === "SDK_UNREACHABLE")) return;
            throw error;
          }
          promised.set(channel, rankOf(state).sequence);
        }
      });
      await until("receipts are given", () => promised.size === channels.length);
      await pause(random.between(0, 200));
      const killed = tower.kill();
      isDown = true;
      await Promise.all([killed, ...handing]);
      await tower.start();
      for (const [channel, least] of promised) {
        const answer = (await (await fetch(`${tower.url}/v1/states/${channel.idText}/0`)).json()) as { sequence: number };
        expect(answer.sequence).to.be.at.least(least);
      }
    }
    expect(sequence).to.be.greaterThan(channels.length);
  });

  it("dispute: killed (-9) when it asks for the answer, and started again, it is in time", async () => {
    const channel = await network.open();
    await clientOf(channel).submit(voucherState(channel, 9));
    await network.challenge(channel, 1);
    await until("the answer is asked for", () => tower.life.includes("An answer is asked for"));
    await tower.kill();
    await tower.start();
    await until("the close is answered", async () => (await network.markOf(channel)).paid[1] === 90);
  });

  it("slashing: an honest tower keeps its bond; one that sleeps loses it, half of it to its client", async () => {
    const [served, slept] = [await network.open(), await network.open()];
    const kept: SignedReceipt[] = [];
    const keep = (signed: SignedReceipt): Promise<void> => Promise.resolve(void kept.push(signed));
    const states = [voucherState(served, 9), voucherState(slept, 9)] as const;
    await clientOf(served, keep).submit(states[0]);
    await clientOf(slept, keep).submit(states[1]);
    // Promises begin with the last block that the tower saw.
    await network.skip(10);
    await network.challenge(served, 1);
    await until("the close is answered", async () => (await network.markOf(served)).paid[1] === 90);
    await tower.stop();
    await network.challenge(slept, 1);
    await network.skip(1_600);
    for (const channel of [served, slept]) await network.close(channel);
    const failure = await slash(served, states[0], kept[0]!).then((sent) => sent.wait()).then(() => "none", (error: unknown) => String(error));
    expect(failure).to.match(/revert/);
    await (await slash(slept, states[1], kept[1]!)).wait();
    const bond = await network.bond.bondOf(bondedBy);
    expect(bond.isSlashed).to.equal(true);
    expect(await network.bond.credit(slept.parties[0].wallet.address)).to.equal(BOND_WEI / 2n);
    const refused = await clientOf(await network.open()).submit(states[0]).then(() => "none", (error: unknown) => (error as { code?: string }).code);
    expect(refused).to.equal("SDK_UNTRUSTED");
    const again = new TowerProcess(network, NAME);
    expect(await again.start().then(() => "started", (error: unknown) => String(error))).to.match(/no bond/);
    expect(kept[1]!.receipt.until - kept[1]!.receipt.from).to.equal(30 * DAY_SECONDS);
  });
});

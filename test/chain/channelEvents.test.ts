import { expect } from "chai";

import { grantStructs, configStruct } from "../../chain/channels/channelStructs.ts";
import { CHANNEL_TOPICS, decodeChannelEvent, readChannelEvents } from "../../chain/channels/channelEvents.ts";
import { KEY, startChannelScene } from "../builders/channelScene.ts";
import type { ChannelScene } from "../builders/channelScene.ts";
import { addressBytes } from "../builders/channelSigning.ts";

describe("channel events", () => {
  let scene: ChannelScene;
  before(async () => {
    scene = await startChannelScene("anvil");
  });
  after(() => scene.stop());

  it("a channel's life: is read as plain objects, of this channel or of all", async () => {
    const [channel, other] = [await scene.opened(), await scene.opened({}, [1, 1])];
    const locks = [{ hashlock: new Uint8Array(32).fill(9), amount: 7, expiry: 2_000 }];
    await scene.checkpoint(channel, { base: channel.base({ version: 2, paidByA: 30, paidByB: 4 }) });
    await scene.checkpoint(channel, { vouchers: [channel.voucher({ version: 2, sequence: 12, paid: 40, locks, endorsedBy: true })] });
    const grant = channel.grant(0, { key: addressBytes(KEY.SESSION), cap: 5, expiry: 3_000 });
    await scene.send(scene.a, scene.adjudicator.registerGrant.populateTransaction(configStruct(channel.config), 0, grantStructs(grant)[0]!));
    await scene.challenge(channel, {}, { side: 1 });
    const { deadline } = await scene.state(channel);
    await scene.mineAt(deadline);
    await scene.close(channel, [locks, []]);

    const range = { adjudicator: scene.address, fromBlock: 0, toBlock: await scene.provider.getBlockNumber() };
    const events = await readChannelEvents(scene.provider, { ...range, channelIds: [channel.id] });
    const bare = events.map(({ blockNumber: _number, blockHash: _hash, transactionHash: _transaction, ...event }) => event);
    const { id: channelId, config } = channel;
    expect(bare).to.deep.equal([
      { kind: "opened", channelId, config },
      { kind: "deposited", channelId, side: 0, units: 1_000 },
      { kind: "deposited", channelId, side: 1, units: 500 },
      { kind: "baseRecorded", channelId, version: 2, paidByA: 30, paidByB: 4 },
      { kind: "voucherRecorded", channelId, payer: 0, version: 2, sequence: 12, paid: 40, isEndorsed: true, callsHash: new Uint8Array(32).fill(0xca), locks },
      { kind: "grantRegistered", channelId, side: 0, key: addressBytes(KEY.SESSION), cap: 5, expiry: 3_000 },
      { kind: "challenged", channelId, side: 1, deadline },
      { kind: "closed", channelId, isUnilateral: true, version: 2, paidByA: 40, paidByB: 4, shareA: 964, shareB: 536 },
    ]);
    const all = await readChannelEvents(scene.provider, range);
    expect(all.filter((event) => event.kind === "opened").map((event) => event.channelId)).to.deep.equal([channel.id, other.id]);
    expect(all.every(({ blockNumber, blockHash }) => blockNumber > 0 && blockHash.length === 66)).to.equal(true);
  });

  it("logs of others: are none", () => {
    expect(Object.keys(CHANNEL_TOPICS)).to.include.members(["Opened", "Imported", "PaymentKept", "Collected"]);
    const log = { address: scene.address, topics: [`0x${"12".repeat(32)}`], data: "0x", blockNumber: "0x1", blockHash: "0x", transactionHash: "0x" };
    expect(decodeChannelEvent(log)).to.equal(undefined);
  });
});

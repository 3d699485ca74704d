import { expect } from "chai";

import type { SignedUpdate } from "../../chain/channels/SignedState.ts";
import { locatorOf, sealState } from "../../chain/tower/sealState.ts";
import { sealDigest, towerDomainSeparator } from "../../chain/tower/towerDigests.ts";
import { toHex } from "../../core/codec/hex.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { signDigest } from "../../runtime/crypto/secp.ts";
import { testKey } from "../builders/towerChannel.ts";
import { TowerNetwork } from "../builders/towerNetwork.ts";
import { until } from "../builders/until.ts";

const CLOSED = 3;

for (const kind of ["anvil", "hardhat"] as const) {
  describe(`watchtower on ${kind}`, function () {
    this.timeout(120_000);
    let network: TowerNetwork;
    before(async () => {
      network = await TowerNetwork.start(kind);
    });
    after(() => network.stop());

    it("cheater: closes with every older version, and is answered with the newest each time", async () => {
      const { tower, stop } = await network.tower("first");
      const newest = 3;
      for (let old = 0; old < newest; old += 1) {
        const channel = await network.open();
        const bases = [1, 2, 3].map((version) => channel.base(version, 0, version * 100));
        const state = channel.state(0, { base: bases[newest - 1]!, voucher: { sequence: 40, paid: 350 } });
        await tower.intake.submit(channel.request(state));
        const update: SignedUpdate = old === 0 ? { vouchers: [] } : { base: bases[old - 1]!, vouchers: [] };
        await network.challenge(channel, 1, update);
        await until(`the close with version ${old} is answered`, async () => (await network.markOf(channel)).paid[1] === 350);
        await network.skip(1_600);
        await network.close(channel);
        expect(await network.markOf(channel)).to.include({ status: CLOSED, version: newest });
      }
      await stop();
    });

    it("sealed: a body that the tower could not read answers the close that opens it, and garbage under its locator is passed over", async () => {
      const { tower, store, stop } = await network.tower("sealed");
      const channel = await network.open();
      const state = channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 4, paid: 40 } });
      const keptUntil = (await network.chain.provider.getBlock("latest"))!.timestamp + 10_000;
      const { chainId, adjudicator, towerBond } = channel.request(state);
      for (const [name, body] of [["garbage", new Uint8Array(100)], ["client", await sealState(state, channel.id, 1)]] as const) {
        const ref = { locator: locatorOf(channel.id, 1), bodyHash: keccak256(body), until: keptUntil };
        const signature = toHex(signDigest(sealDigest(towerDomainSeparator(network.domain), ref), testKey(name).key));
        await tower.intake.seal({ chainId, adjudicator, towerBond, locator: toHex(ref.locator), body: toHex(body), until: keptUntil, signature });
      }
      expect(store.watchedCount).to.equal(0);
      await network.challenge(channel, 1, { base: channel.base(1, 0, 0), vouchers: [] });
      await until("the close is answered", async () => (await network.markOf(channel)).paid[1] === 40);
      expect((await network.markOf(channel)).version).to.equal(2);
      await stop();
    });

    it("cheater: closes with every older voucher of one version, and is answered", async () => {
      const { tower, stop } = await network.tower("vouchers");
      for (const paid of [0, 10, 20, 30]) {
        const channel = await network.open();
        await tower.intake.submit(channel.request(channel.state(0, { voucher: { sequence: 4, paid: 40 } })));
        const vouchers = paid === 0 ? [] : [channel.voucher(1, { sequence: paid / 10, paid })];
        await network.challenge(channel, 1, { vouchers });
        await until(`the close with ${paid} paid is answered`, async () => (await network.markOf(channel)).paid[1] === 40);
      }
      await stop();
    });
  });
}

import { expect } from "chai";

import { sdkError } from "../../sdk/SdkError.ts";
import type { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import { ChannelStage } from "../builders/channelStage.ts";
import type { Actor } from "../builders/channelStage.ts";
import { until } from "../builders/until.ts";

/** A desk whose `open` does as `open` says. */
function deskWith(desk: ChannelDesk, open: ChannelDesk["open"]): ChannelDesk {
  return new Proxy(desk, {
    get(target, name) {
      if (name === "open") return open;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

describe("channel agent: opening in doubt", function () {
  this.timeout(60_000);
  let stage: ChannelStage;
  let [owner, partner]: [Actor, Actor] = [undefined as never, undefined as never];

  before(async () => {
    stage = await ChannelStage.start("hardhat");
    [owner, partner] = [await stage.actor(), await stage.actor()];
  });
  after(() => stage.stop());

  it("open: looks after the channel when the connection breaks once the transaction is sent", async () => {
    const lost = sdkError("SDK_TIMEOUT", "the connection broke");
    const agent = await stage.agent(owner, { desk: deskWith(owner.desk, async (...args) => owner.desk.open(...args).then(() => Promise.reject(lost))) });
    const error = await agent.open({ partner: partner.wallet.address, deposit: "1", windowSeconds: 60 }).catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "SDK_TIMEOUT");
    expect(agent.channels).to.have.length(1);
    await until("the deposit is seen", async () => (await agent.channels[0]!.status()).depositA > 0);
  });

  it("open: keeps nothing in sight when nothing was sent", async () => {
    const agent = await stage.agent(partner);
    const error = await agent.open({ partner: owner.wallet.address, deposit: "1000", windowSeconds: 60 }).catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "L1_FUNDS");
    expect(agent.channels).to.have.length(0);
  });
});

import { expect } from "chai";
import { ZeroHash, id as hashOf } from "ethers";

import { parseUptimeRequestUri, uptimeRequestUri } from "../../../chain/uptime/uptimeRequestUri.ts";
import { deployRegistries } from "../../builders/registryScene.ts";
import type { Registries } from "../../builders/registryScene.ts";
import { AGENT_ID, errorOf, UptimeStage } from "../../builders/uptimeStage.ts";

describe("UptimeMeter.publish", () => {
  let stage: UptimeStage;
  let registries: Registries;
  let key: string;
  let restore: () => Promise<void>;
  const salt = hashOf("the agent's salt");

  before(async () => {
    stage = await UptimeStage.start(async ({ ethers }) => {
      registries = await deployRegistries(ethers, (await ethers.getSigners())[0]!);
      return await registries.validation.getAddress();
    });
    // Agent 0 is the operator's, agent 1 a stranger's.
    await stage.send(registries.identity.connect(stage.operator)["register()"]());
    await stage.send(registries.identity.connect(stage.stranger)["register()"]());
    key = await stage.begin();
    await stage.settle(key, 0, [9_876, 9_799, 9_900]);
    await stage.settle(key, 1, [9_876]);
    const snapshot = await stage.connection.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  afterEach(() => restore());
  after(() => stage.connection.close());

  async function request(requestHash: string, { agentId = AGENT_ID, validator }: { agentId?: bigint; validator?: string } = {}): Promise<void> {
    const owner = agentId === AGENT_ID ? stage.operator : stage.stranger;
    await stage.send(registries.validation.connect(owner).validationRequest(validator ?? (await stage.meter.getAddress()), agentId, uptimeRequestUri({ key, period: 0, salt }), requestHash));
  }
  const publish = (period = 0, of = salt) => stage.by(stage.stranger).publish(key, period, of);

  it("publish: answers the agent's request with the median, by anybody's call", async () => {
    const requestHash = await stage.meter.requestHashOf(key, 0, salt);
    await request(requestHash);
    await stage.send(publish());
    const status = await registries.validation.getValidationStatus(requestHash);
    expect([status.validatorAddress, status.agentId, status.response, status.responseHash, status.tag]).to.deep.equal([await stage.meter.getAddress(), AGENT_ID, 98n, key, "uptime"]);
    expect(await registries.validation.getSummary(AGENT_ID, [await stage.meter.getAddress()], "uptime")).to.deep.equal([1n, 98n]);
  });

  it("publish: once a period, so that a good one is not shown again and again", async () => {
    const again = hashOf("another salt");
    await request(await stage.meter.requestHashOf(key, 0, salt));
    await request(await stage.meter.requestHashOf(key, 0, again));
    await stage.send(publish());
    expect(await errorOf(publish())).to.equal("AlreadyPublished");
    expect(await errorOf(publish(0, again))).to.equal("AlreadyPublished");
  });

  it("publish: nothing without a request, and nothing of a period without a quorum", async () => {
    expect(await errorOf(publish())).to.equal("unknown");
    await request(await stage.meter.requestHashOf(key, 1, salt));
    expect(await errorOf(publish(1))).to.equal("NotAttested");
    expect(await errorOf(publish(7))).to.equal("NotAttested");
  });

  it("publish: a request hash that a stranger took first gives the stranger nothing, and another salt goes through", async () => {
    await request(await stage.meter.requestHashOf(key, 0, salt), { agentId: 1n });
    expect(await errorOf(request(await stage.meter.requestHashOf(key, 0, salt)))).to.equal("exists");
    expect(await errorOf(publish())).to.equal("WrongRequest");
    await request(await stage.meter.requestHashOf(key, 0, ZeroHash));
    await stage.send(publish(0, ZeroHash));
  });

  it("publish: a request for another validator is not answered", async () => {
    await request(await stage.meter.requestHashOf(key, 0, salt), { validator: stage.stranger.address });
    expect(await errorOf(publish())).to.equal("WrongRequest");
  });

  it("uptimeRequestUri: is read back, and nothing else is", () => {
    const asked = { key, period: 12, salt };
    expect(parseUptimeRequestUri(uptimeRequestUri(asked))).to.deep.equal(asked);
    for (const uri of ["", "ipfs://x", `${uptimeRequestUri(asked)}0`, uptimeRequestUri(asked).toUpperCase()]) expect(parseUptimeRequestUri(uri)).to.equal(undefined);
  });
});

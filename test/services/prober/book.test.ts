import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";
import { ZeroHash } from "ethers";

import { isBountyEngaged } from "../../../chain/uptime/isBountyEngaged.ts";
import { uptimeRequestUri } from "../../../chain/uptime/uptimeRequestUri.ts";
import { EngagementBook } from "../../../services/prober/read/EngagementBook.ts";
import { deployRegistries } from "../../builders/registryScene.ts";
import type { Registries } from "../../builders/registryScene.ts";
import { AGENT_ID, UptimeStage } from "../../builders/uptimeStage.ts";

describe("prober: EngagementBook", () => {
  let stage: UptimeStage;
  let registries: Registries;
  let book: EngagementBook;

  before(async () => {
    stage = await UptimeStage.start(async ({ ethers }) => {
      registries = await deployRegistries(ethers, (await ethers.getSigners())[0]!);
      return await registries.validation.getAddress();
    });
    await stage.send(registries.identity.connect(stage.operator)["register()"]());
    await stage.send(registries.identity.connect(stage.stranger)["register()"]());
  });
  beforeEach(async () => {
    const options = { provider: stage.connection.ethers.provider as unknown as JsonRpcApiProvider, meter: await stage.meter.getAddress(), validationRegistry: await registries.validation.getAddress() };
    book = new EngagementBook({ ...options, firstBlock: 0, isWanted: ({ id }) => id !== 13n });
  });
  after(() => stage.connection.close());

  const scan = async (): Promise<void> => await book.scan(await stage.connection.ethers.provider.getBlockNumber());

  it("scan: finds what began and is wanted, with the operator's last word on where it serves", async () => {
    await stage.begin({}, 13n);
    const key = await stage.begin({ endpointHash: ZeroHash }, 14n);
    await scan();
    expect(book.engagements.map(({ key: each, id, agentId, periodSeconds }) => [each, id, agentId, periodSeconds])).to.deep.equal([[key, 14n, AGENT_ID, 100]]);
    expect(book.urlAnnouncedFor(key)).to.equal(undefined);
    for (const url of ["https://old", "https://new"]) await stage.send(stage.by(stage.operator).announce(key, url));
    await scan();
    await scan();
    expect([book.urlAnnouncedFor(key), book.engagements.length]).to.deep.equal(["https://new", 1]);
  });

  it("scan: forgets what a reorganisation took", async () => {
    const snapshot = await stage.connection.networkHelpers.takeSnapshot();
    const key = await stage.begin({ endpointHash: ZeroHash }, 15n);
    await stage.send(stage.by(stage.operator).announce(key, "https://gone"));
    await scan();
    expect(book.engagements.some((each) => each.key === key)).to.equal(true);
    await snapshot.restore();
    await scan();
    expect([book.engagements.some((each) => each.key === key), book.urlAnnouncedFor(key)]).to.deep.equal([false, undefined]);
  });

  it("requestsFor: takes the agent's own requests, and no other agent's", async () => {
    const key = await stage.begin({}, 16n);
    const ask = async (agentId: bigint, salt: string): Promise<void> => {
      const owner = agentId === AGENT_ID ? stage.operator : stage.stranger;
      await stage.send(registries.validation.connect(owner).validationRequest(await stage.meter.getAddress(), agentId, uptimeRequestUri({ key, period: 2, salt }), salt));
    };
    const [own, foreign] = [1n, 2n].map((value) => `0x${value.toString(16).padStart(64, "0")}`) as [string, string];
    await ask(1n, foreign);
    await ask(AGENT_ID, own);
    await scan();
    const known = book.engagements.find((each) => each.key === key)!;
    expect(book.requestsFor(known).map(({ period, salt }) => [period, salt])).to.deep.equal([[2, own]]);
  });

  it("isBountyEngaged: believes a board that knows no phases", async () => {
    expect(await isBountyEngaged(stage.boardAddress, 1n, stage.connection.ethers.provider)).to.equal(true);
  });
});

import { join } from "node:path";

import { expect } from "chai";

import { toHex } from "../../core/codec/hex.ts";
import { FileRouteJournal } from "../../sdk/node/channels/hub/FileRouteJournal.ts";
import { PeerRouteLink } from "../../sdk/node/channels/hub/PeerRouteLink.ts";
import { RouteHub } from "../../sdk/node/channels/hub/RouteHub.ts";
import type { PreimageRegister } from "../../sdk/node/channels/hub/RouteLink.ts";
import { RoutePayee } from "../../sdk/node/channels/hub/RoutePayee.ts";
import { RoutePayer } from "../../sdk/node/channels/hub/RoutePayer.ts";
import { createSealKey } from "../../sdk/node/channels/hub/seal.ts";
import type { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { ChannelStage } from "../builders/channelStage.ts";

const DAY = 86_400;
const PRICE = 1_000;
const FEE = 7;

describe("a payment through a hub, over real channels", function () {
  this.timeout(60_000);
  let stage: ChannelStage;
  const journals: FileRouteJournal[] = [];
  before(async () => (stage = await ChannelStage.start("anvil")));
  after(async () => {
    await stage?.stopAgents();
    for (const journal of journals) await journal.close();
    await stage?.stop();
  });

  it("call: the payee is paid, the hub has its fee, and both channels close with what is everyone's", async () => {
    const [alice, hub, bob] = [await stage.actor(), await stage.actor(), await stage.actor()];
    const hubAgent = await stage.agent(hub, { listen: "tls://127.0.0.1:0" });
    const [aliceAgent, bobAgent] = [await stage.agent(alice), await stage.agent(bob)];
    const listening = hubAgent.listening!;
    const ah = await aliceAgent.open({ partner: hub.wallet.address, peerAddress: listening, deposit: "0.1", windowSeconds: DAY });
    const bh = await bobAgent.open({ partner: hub.wallet.address, peerAddress: listening, deposit: 0n, windowSeconds: DAY });
    for (const channel of [ah, bh]) await channel.ready();
    const [ha, hb] = [hubAgent.channel(ah.channelId), hubAgent.channel(bh.channelId)];
    await hb.deposit("0.1");

    const journalOf = async (name: string): Promise<FileRouteJournal> => {
      const journal = await FileRouteJournal.open(join(alice.dir, name));
      journals.push(journal);
      return journal;
    };
    const { separator } = alice.desk;
    const nowSeconds = (): number => Math.floor(Date.now() / 1000);
    const registerOf = (agent: ChannelAgent): PreimageRegister => ({
      register: async (preimage) => void (await agent.desk.registerPreimage(preimage)),
      find: (hashlock) => agent.desk.findPreimage(hashlock),
    });
    const links = { ah: new PeerRouteLink(aliceAgent.peer, ah.channel), ha: new PeerRouteLink(hubAgent.peer, ha.channel), hb: new PeerRouteLink(hubAgent.peer, hb.channel), bh: new PeerRouteLink(bobAgent.peer, bh.channel) };
    const routeHub = new RouteHub({ separator, journal: await journalOf("hub"), register: registerOf(hubAgent), nowSeconds, feeUnits: FEE });
    for (const link of [links.ha, links.hb]) routeHub.attach(link);
    const payer = new RoutePayer({ link: links.ah, address: aliceAgent.address, separator, register: registerOf(aliceAgent), nowSeconds });
    const signer = createLocalSigner(Buffer.from(bob.wallet.privateKey.slice(2), "hex"));
    const payee = new RoutePayee({
      signer: { address: bobAgent.address, sign: (digest) => signer.sign(digest) }, separator, routeKey: createSealKey(), journal: await journalOf("payee"), register: registerOf(bobAgent), nowSeconds,
      price: () => PRICE, handle: async (request) => ({ status: 0, response: request.slice().reverse() }),
    });
    const failures: unknown[] = [];
    const note = (work: Promise<unknown>): void => void work.catch((error: unknown) => failures.push(error));
    aliceAgent.peer.onRoute((_from, bytes) => note(payer.receive(Uint8Array.from(bytes))));
    bobAgent.peer.onRoute((_from, bytes) => note(payee.receive(links.bh, Uint8Array.from(bytes))));
    hubAgent.peer.onRoute((from, bytes) => note(routeHub.receive(toHex(from) === links.ha.peer ? links.ha : links.hb, Uint8Array.from(bytes))));
    ha.channel.on("event", (event) => event.name === "lock-added" && note(routeHub.onLock(links.ha, event.lock)));
    hb.channel.on("event", (event) => event.name === "lock-released" && routeHub.onReleased(links.hb, event.hashlock));
    bh.channel.on("event", (event) => event.name === "lock-added" && note(payee.onLock(links.bh, event.lock)));
    await payee.announce(links.bh);

    await stage.until("the hub knows bob", async () => payer.call(bob.wallet.address, Uint8Array.of(1, 2, 3), { maxPriceUnits: 2_000 }).then(
      ({ response, feeUnits }) => {
        expect([...response]).to.deep.equal([3, 2, 1]);
        return feeUnits === FEE;
      },
      (error: { code?: string; message: string }) => (error.message.includes("no channel leads there") ? false : Promise.reject(error as Error)),
    ));
    await stage.until("both locks are paid", () => links.ah.outgoingLocks().length + links.hb.outgoingLocks().length === 0);
    expect(failures).to.deep.equal([]);
    expect(await ah.close()).to.include({ shareA: 10 ** 8 - PRICE - FEE, shareB: PRICE + FEE });
    expect(await bh.close()).to.include({ shareA: PRICE, shareB: 10 ** 8 - PRICE });
  });
});

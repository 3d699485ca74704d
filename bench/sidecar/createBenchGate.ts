import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { JsonRpcProvider, Wallet, ZeroAddress } from "ethers";

import { fromHex } from "../../core/codec/index.ts";
import { silentLogger } from "../../runtime/logger/createLogger.ts";
import { Agnt2Client, ChannelDesk, createKeySigner } from "../../sdk/index.ts";
import { ChannelAgent, createLocalSigner } from "../../sdk/node/index.ts";
import { createGate } from "../../sidecar/gate/createGate.ts";
import type { Gate } from "../../sidecar/gate/Gate.ts";
import { createLedger } from "../../sidecar/ledger/createLedger.ts";
import { PriceBook } from "../../sidecar/pricing/PriceBook.ts";
import { parsePricing } from "../../sidecar/pricing/pricingSchema.ts";
import { RouteTable } from "../../sidecar/pricing/RouteTable.ts";
import { CallWay } from "../../sidecar/ways/callWay.ts";
import { ChannelWay } from "../../sidecar/ways/channelWay.ts";
import { createExactWay } from "../../sidecar/ways/exactWay.ts";
import type { Way } from "../../sidecar/ways/Way.ts";
import { PRICE_DOLLARS, PRICE_ETH } from "./BenchPlan.ts";
import type { BenchNetwork, ServerPlan } from "./BenchPlan.ts";
import { readContracts } from "./readContracts.ts";

interface OpenWay {
  readonly way: Way;
  readonly payTo: string;
  readonly peer?: string | undefined;
}

/** A gate as a sidecar has it, with the one way that is measured; and where that is paid. */
export async function createBenchGate({ payment, network, key, dir }: ServerPlan): Promise<{ readonly gate: Gate; readonly payTo: string; readonly peer: string | undefined }> {
  mkdirSync(dir, { recursive: true });
  const open = payment === "none" ? undefined : await openWay(payment, network!, key, dir);
  const line = payment === "none" ? { free: true } : payment === "x402" ? { x402: { [network!.testDollar]: PRICE_DOLLARS } } : { price: PRICE_ETH };
  const pricing = parsePricing({ routes: [{ match: "GET /health", free: true }, { match: "POST /other", price: "1" }, { match: "* /*", ...line }] });
  const table = new RouteTable(pricing, { chain: { asset: ZeroAddress, decimals: 18 }, decimalsOf: () => 6 });
  const ledger = createLedger(join(dir, "ledger"));
  const gate = createGate({ ways: open === undefined ? [] : [open.way], prices: new PriceBook(table), ledger, log: silentLogger });
  gate.start();
  return { gate, payTo: open?.payTo ?? "", peer: open?.peer };
}

async function openWay(payment: "x402" | "l2" | "channel", network: BenchNetwork, key: string, dir: string): Promise<OpenWay> {
  const provider = new JsonRpcProvider(network.l1Url, network.chainId, { staticNetwork: true, pollingInterval: 250, cacheTimeout: -1, batchMaxCount: 1 });
  const wallet = new Wallet(key, provider);
  const { deployment, adjudicator } = readContracts(network.deploymentFile);
  switch (payment) {
    case "x402": {
      const way = createExactWay({ chainId: network.chainId, payTo: wallet.address, assets: [{ asset: network.testDollar }], facilitatorUrl: network.facilitatorUrl, provider });
      await way.start();
      return { way, payTo: wallet.address };
    }
    case "l2": {
      const client = new Agnt2Client({ sequencerUrl: network.sequencerUrl, apiUrl: network.apiUrl, deployment });
      const way = new CallWay({ agent: await client.agent({ signer: createKeySigner(key), windowMs: 0 }) });
      await way.start();
      return { way, payTo: wallet.address };
    }
    case "channel": {
      const listening: { peer?: string | undefined } = {};
      const way = new ChannelWay({ chainId: network.chainId, adjudicator, payTo: wallet.address, peer: () => listening.peer, isRecorded: false, maxWaiting: 8_192, maxWaitingEach: 4_096 });
      const agent = await ChannelAgent.start({
        dir: join(dir, "channels"), signer: createLocalSigner(fromHex(key, 32)), desk: await ChannelDesk.connect(adjudicator, wallet),
        listen: "tls://127.0.0.1:0", serve: (channel) => way.attach(channel),
      });
      listening.peer = agent.listening;
      return { way, payTo: wallet.address, peer: agent.listening };
    }
  }
}

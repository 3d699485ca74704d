import { randomBytes } from "node:crypto";
import { join } from "node:path";

import type { PaymentRequirements } from "@x402/core/types";
import { JsonRpcProvider, Wallet } from "ethers";

import { fromHex } from "../../core/codec/index.ts";
import { Agnt2Client, CallScheme, ChannelDesk, createKeySigner, createTicket, requestHash, writePayload } from "../../sdk/index.ts";
import { ChannelAgent, beginByChannel, createLocalSigner } from "../../sdk/node/index.ts";
import { signDollar, dollarDomain } from "../../test/builders/dollarSigning.ts";
import { PRICE_BASE, PRICE_DOLLARS_BASE, TARGET } from "./BenchPlan.ts";
import type { BenchNetwork, Payment, ServerReady } from "./BenchPlan.ts";
import { readContracts } from "./readContracts.ts";
import type { NextRequest } from "./runLoad.ts";

const HASH = requestHash({ method: "GET", target: TARGET });

/** The text of a request of the load; every server gets the same but for what pays for it. */
export function requestText(port: number, extra = ""): string {
  return `GET ${TARGET} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\nUser-Agent: bench\r\n${extra}\r\n`;
}

/** Somebody with money who pays for each request in one way. */
export interface BenchBuyer {
  readonly next: NextRequest;
  /** Base units that this side has counted as paid. */
  paid(): bigint;
  /** For a channel: waits until everything is answered. */
  settle(): Promise<void>;
}

export interface BuyerPlan {
  readonly payment: Payment;
  readonly server: ServerReady;
  readonly network: BenchNetwork | undefined;
  readonly key: string;
  readonly dir: string;
}

export async function createBuyer(plan: BuyerPlan): Promise<BenchBuyer> {
  switch (plan.payment) {
    case "none": {
      const text = requestText(plan.server.port);
      return { next: () => text, paid: () => 0n, settle: () => Promise.resolve() };
    }
    case "channel":
      return byChannel(plan, plan.network!);
    case "l2":
      return byCall(plan, plan.network!);
    case "x402":
      return byDollar(plan, plan.network!);
  }
}

async function byChannel({ server, key, dir }: BuyerPlan, network: BenchNetwork): Promise<BenchBuyer> {
  const provider = new JsonRpcProvider(network.l1Url, network.chainId, { staticNetwork: true, pollingInterval: 250, cacheTimeout: -1, batchMaxCount: 1 });
  const desk = await ChannelDesk.connect(readContracts(network.deploymentFile).adjudicator, new Wallet(key, provider));
  const agent = await ChannelAgent.start({ dir: join(dir, "channels"), signer: createLocalSigner(fromHex(key, 32)), desk });
  const channel = await agent.open({ partner: server.payTo, peerAddress: server.peer!, deposit: "1", windowSeconds: 600 });
  await channel.ready();
  const units = channel.units(PRICE_BASE);
  return {
    next: () => requestText(server.port, `Agnt2-Call: ${beginByChannel(channel, units, HASH, createTicket(), false).header}\r\n`),
    paid: () => BigInt(channel.channel.status().outgoing.paid) * channel.asset.assetScale,
    async settle() {
      while (channel.channel.status().outgoing.openCalls > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    },
  };
}

const paymentHeader = (accepted: unknown, payload: unknown): string => `PAYMENT-SIGNATURE: ${Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload })).toString("base64")}\r\n`;

/** What the server's own 402 asks for. */
async function askedFor(port: number): Promise<PaymentRequirements[]> {
  const asked = await fetch(`http://127.0.0.1:${port}${TARGET}`);
  return (JSON.parse(Buffer.from(asked.headers.get("payment-required") ?? "", "base64").toString()) as { accepts: PaymentRequirements[] }).accepts;
}

async function byCall({ server, key }: BuyerPlan, network: BenchNetwork): Promise<BenchBuyer> {
  const { deployment } = readContracts(network.deploymentFile);
  const client = new Agnt2Client({ sequencerUrl: network.sequencerUrl, apiUrl: network.apiUrl, deployment });
  const agent = await client.agent({ signer: createKeySigner(key), windowMs: 0 });
  const [requirement] = await askedFor(server.port);
  const scheme = new CallScheme({ agent });
  let paid = 0n;
  return {
    async next() {
      const { slot, id, ticket } = await scheme.forRequest(HASH).pay(requirement!);
      paid += PRICE_BASE;
      return requestText(server.port, paymentHeader(requirement, writePayload({ slot, id, ticket })));
    },
    paid: () => paid,
    settle: () => Promise.resolve(),
  };
}

async function byDollar({ server, key }: BuyerPlan, network: BenchNetwork): Promise<BenchBuyer> {
  const wallet = new Wallet(key);
  const [accepted] = await askedFor(server.port);
  let paid = 0n;
  return {
    async next() {
      const now = Math.floor(Date.now() / 1_000);
      const authorization = { from: wallet.address, to: accepted!.payTo, value: PRICE_DOLLARS_BASE, validAfter: now - 600, validBefore: now + accepted!.maxTimeoutSeconds, nonce: `0x${randomBytes(32).toString("hex")}` };
      const signature = await signDollar(wallet, dollarDomain(accepted!.asset, network.chainId), "TransferWithAuthorization", authorization);
      paid += PRICE_DOLLARS_BASE;
      const written = { ...authorization, value: String(authorization.value), validAfter: String(authorization.validAfter), validBefore: String(authorization.validBefore) };
      return requestText(server.port, paymentHeader(accepted, { signature, authorization: written }));
    },
    paid: () => paid,
    settle: () => Promise.resolve(),
  };
}

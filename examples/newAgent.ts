import { JsonRpcProvider, Wallet } from "ethers";

import { Agnt2Client, createKeySigner, HttpService, L1Account } from "../sdk/index.ts";
import type { Agent } from "../sdk/index.ts";
import { network } from "./config.ts";

/** A fresh key with money from the local faucet, deposited: an agent that can act at once. */
export async function newAgent(name: string, deposit = "1"): Promise<{ agent: Agent; client: Agnt2Client }> {
  const client = new Agnt2Client(network);
  const l1 = new JsonRpcProvider(network.l1Url, undefined, { pollingInterval: 200 });
  const wallet = new Wallet(Wallet.createRandom().privateKey, l1);
  await new HttpService(network.faucetUrl).postJson("/v1/faucet", { address: wallet.address });

  const account = await L1Account.connect(client, wallet);
  await account.credited(await account.deposit(deposit));
  l1.destroy();

  const agent = await client.agent({ signer: createKeySigner(wallet.privateKey) });
  console.log(`${name} is agent ${(await agent.account()).index}, ${agent.address}.`);
  return { agent, client };
}

import { readFile } from "node:fs/promises";

import { JsonRpcProvider } from "ethers";

import { recoverSigner } from "../../runtime/crypto/secp.ts";
import { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import type { Agent } from "../../sdk/Agent.ts";
import { readEconomy } from "../../sdk/economy/readEconomy.ts";
import type { Economy } from "../../sdk/economy/readEconomy.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { tokenOnL1 } from "../../sdk/L1Account.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import type { TrustedChain } from "../../sdk/trust.ts";
import type { SidecarSettings } from "../config.ts";
import { AccountSigner } from "./AccountSigner.ts";
import { openKey } from "./openKey.ts";
import type { OwnKey } from "./openKey.ts";

/** The agent's key, and the chain that it is on, as far as that can be trusted. */
export interface OpenChain {
  readonly key: OwnKey;
  readonly chain: TrustedChain;
  readonly client: Agnt2Client;
  readonly agent: Agent;
  readonly accountSigner: AccountSigner;
  readonly economy: Economy;
  readonly provider: JsonRpcProvider;
  /** L1 block before which none of the chain's contracts was there. */
  readonly fromBlock: number;
  close(): Promise<void>;
}

async function readDeployment(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw sdkError("SDK_INPUT", `the deployment file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { file }, error);
  }
}

/**
 * Opens the key and connects to the chain. With a deployment file neither L1 nor sequencer has to be up.
 * @throws SdkError `SDK_WRONG_CHAIN`, `SDK_UNTRUSTED`, `SDK_UNREACHABLE`, …; what {@link openKey} throws
 */
export async function openChain(settings: SidecarSettings): Promise<OpenChain> {
  const deployment = settings.deployment === undefined ? undefined : await readDeployment(settings.deployment);
  let provider: JsonRpcProvider | undefined;
  const client = new Agnt2Client({
    sequencerUrl: settings.sequencer,
    apiUrl: settings.api,
    recover: recoverSigner,
    token: async (address) => tokenOnL1(provider ?? new JsonRpcProvider(settings.l1, undefined, { staticNetwork: true }), address),
    ...(deployment === undefined ? {} : { deployment }),
    ...(settings.sequencerAddress === undefined ? {} : { sequencerAddress: settings.sequencerAddress }),
  });
  try {
    const economy = await readEconomy({ ...(deployment === undefined ? {} : { deployment }), api: new HttpService(settings.api) });
    provider = new JsonRpcProvider(settings.l1, economy.chainId, { staticNetwork: true, pollingInterval: 250, cacheTimeout: -1, batchMaxCount: 1 });
    const key = await openKey(settings, economy.chainId);
    const chain = await client.config();
    const accountSigner = new AccountSigner(key.bundleSigner);
    const agent = await client.agent({ signer: accountSigner, account: key.address });
    const opened = provider;
    const close = async (): Promise<void> => {
      await client.close();
      opened.destroy();
    };
    return { key, chain, client, agent, accountSigner, economy, provider, fromBlock: economy.fromBlock, close };
  } catch (error) {
    provider?.destroy();
    await client.close();
    throw error;
  }
}

import { JsonRpcProvider } from "ethers";

import { Agnt2Client } from "../sdk/Agnt2Client.ts";
import type { Agent } from "../sdk/Agent.ts";
import { L1Account } from "../sdk/L1Account.ts";
import { sdkError } from "../sdk/SdkError.ts";
import { loadSigner } from "../sdk/node/loadSigner.ts";
import type { KeySource, LoadedSigner } from "../sdk/node/loadSigner.ts";
import type { CliConfig } from "./config.ts";
import { readPassword } from "./readPassword.ts";

/** What a command needs of the network, opened when it is first asked for and closed at the end. */
export class Connection {
  readonly client: Agnt2Client;
  readonly config: CliConfig;
  #signer: Promise<LoadedSigner> | undefined;
  #provider: JsonRpcProvider | undefined;

  constructor(config: CliConfig) {
    this.config = config;
    // One bundle a command: no connection to keep.
    this.client = new Agnt2Client({ sequencerUrl: config.sequencer, apiUrl: config.api, transport: "http" });
  }

  async #keySource(): Promise<KeySource> {
    const { keystore, signer, key, account } = this.config;
    if (keystore !== undefined) return { kind: "keystore", file: keystore, password: await readPassword(this.config) };
    if (signer !== undefined) return { kind: "external", url: signer, ...(account === undefined ? {} : { address: account }) };
    if (key !== undefined) return { kind: "plain", key };
    throw sdkError("SDK_SIGNER", "no key: name --keystore FILE or --signer URL (on the local chain AGNT2_KEY will do)");
  }

  signer(): Promise<LoadedSigner> {
    this.#signer ??= (async () => loadSigner(await this.#keySource(), (await this.client.config()).domain.chainId))();
    return this.#signer;
  }

  async agent(): Promise<Agent> {
    const { bundleSigner } = await this.signer();
    const { account } = this.config;
    return this.client.agent({ signer: bundleSigner, windowMs: 0, ...(account === undefined ? {} : { account }) });
  }

  async l1Account(): Promise<L1Account> {
    const { chainId } = (await this.client.config()).domain;
    this.#provider ??= new JsonRpcProvider(this.config.l1, chainId, { staticNetwork: true, pollingInterval: 200 });
    return L1Account.connect(this.client, (await this.signer()).connectL1(this.#provider));
  }

  async close(): Promise<void> {
    this.#provider?.destroy();
    await this.client.close();
  }
}

import { readFileSync } from "node:fs";

import { JsonRpcProvider, VoidSigner, ZeroAddress } from "ethers";
import type { Signer } from "ethers";

import { Agnt2Client } from "../sdk/Agnt2Client.ts";
import type { Agent } from "../sdk/Agent.ts";
import { HttpService } from "../sdk/HttpService.ts";
import { ignoreAbsence } from "../sdk/absence.ts";
import { CoreChannelDesk } from "../sdk/channels/CoreChannelDesk.ts";
import { CoreHome } from "../sdk/node/channels/home/CoreHome.ts";
import { readEconomy } from "../sdk/economy/readEconomy.ts";
import type { Economy } from "../sdk/economy/readEconomy.ts";
import { balanceOnL1, L1Account, tokenOnL1 } from "../sdk/L1Account.ts";
import { sdkError } from "../sdk/SdkError.ts";
import { loadSigner } from "../sdk/node/loadSigner.ts";
import type { KeySource, LoadedSigner } from "../sdk/node/loadSigner.ts";
import type { CliConfig } from "./config.ts";
import { readPassword } from "./readPassword.ts";

/** @throws SdkError `SDK_INPUT` */
function readDeployment(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw sdkError("SDK_INPUT", `the deployment file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { file }, error);
  }
}

/** What a command needs of the network, opened when it is first asked for and closed at the end. */
export class Connection {
  readonly client: Agnt2Client;
  #config: CliConfig;
  #signer: Promise<LoadedSigner> | undefined;
  #provider: JsonRpcProvider | undefined;
  #economy: Promise<Economy> | undefined;

  constructor(config: CliConfig) {
    this.#config = config;
    // One bundle a command: no connection to keep.
    this.client = new Agnt2Client({
      sequencerUrl: config.sequencer,
      apiUrl: config.api,
      transport: "http",
      token: async (address) => tokenOnL1(await this.#l1(Number((await this.client.sequencer.get("/v1/config"))["chainId"])), address),
      ...(config.deployment === undefined ? {} : { deployment: readDeployment(config.deployment) }),
      ...(config.sequencerAddress === undefined ? {} : { sequencerAddress: config.sequencerAddress }),
    });
  }

  get config(): CliConfig {
    return this.#config;
  }

  /** From now on this is the L1, before anything was asked of another. */
  useL1(l1: string): void {
    this.#config = { ...this.#config, l1 };
  }

  async #keySource(): Promise<KeySource> {
    const { keystore, signer, key, account } = this.config;
    if (keystore !== undefined) return { kind: "keystore", file: keystore, password: await readPassword(this.config) };
    if (signer !== undefined) return { kind: "external", url: signer, ...(account === undefined ? {} : { address: account }) };
    if (key !== undefined) return { kind: "plain", key };
    throw sdkError("SDK_SIGNER", "no key: name --keystore FILE or --signer URL (on the local chain AGNT2_KEY will do)");
  }

  signer(): Promise<LoadedSigner> {
    return this.#load(async () => (await this.client.config()).domain.chainId);
  }

  #load(chainId: () => Promise<number>): Promise<LoadedSigner> {
    this.#signer ??= (async () => loadSigner(await this.#keySource(), await chainId()))();
    return this.#signer;
  }

  /** Where agents and bounties are; needs no sequencer. @throws SdkError `SDK_UNTRUSTED` */
  economy(): Promise<Economy> {
    const { deployment, api } = this.config;
    this.#economy ??= readEconomy({ ...(deployment === undefined ? {} : { deployment: readDeployment(deployment) }), api: new HttpService(api) });
    return this.#economy;
  }

  /** The key as an L1 account, for what needs no sequencer. */
  async economySigner(): Promise<Signer> {
    const { chainId } = await this.economy();
    return (await this.#load(() => Promise.resolve(chainId))).connectL1(await this.#l1(chainId));
  }

  /** Nobody's account, for looking: it can send nothing, and needs no key. */
  async economyReader(): Promise<Signer> {
    return new VoidSigner(ZeroAddress, await this.economyProvider());
  }

  /** L1 alone, for looking. */
  async economyProvider(): Promise<JsonRpcProvider> {
    return this.#l1((await this.economy()).chainId);
  }

  /**
   * How a sequencer that is started finds this key.
   * @throws SdkError `SDK_SIGNER` for a keystore whose password is in no file: it would have to be told to another program
   */
  sequencerKey(): Record<string, string> {
    const { keystore, passwordFile, signer, account, key } = this.config;
    if (keystore !== undefined) {
      if (passwordFile === undefined) throw sdkError("SDK_SIGNER", "the sequencer needs the keystore's password in a file: --password-file FILE");
      return { SEQUENCER_KEYSTORE: keystore, SEQUENCER_PASSWORD_FILE: passwordFile };
    }
    if (signer !== undefined) return { SEQUENCER_SIGNER_URL: signer, ...(account === undefined ? {} : { SEQUENCER_SIGNER_ADDRESS: account }) };
    return key === undefined ? {} : { SEQUENCER_KEY: key };
  }

  async agent(): Promise<Agent> {
    const { bundleSigner } = await this.signer();
    const { account } = this.config;
    return this.client.agent({ signer: bundleSigner, windowMs: 0, ...(account === undefined ? {} : { account }) });
  }

  async l1Account(): Promise<L1Account> {
    return L1Account.connect(this.client, await this.l1Signer());
  }

  async l1Signer(): Promise<Signer> {
    return (await this.signer()).connectL1(await this.#l1(await this.#chainId()));
  }

  /** Base units of the chain's asset that an address holds on L1. */
  async l1Balance(owner: string): Promise<bigint> {
    const { asset } = await this.client.config();
    return balanceOnL1(await this.#l1(await this.#chainId()), owner, asset.address);
  }

  /** L1 block before which the chain's contracts were not there. */
  get deploymentBlock(): number {
    const { deployment } = this.config;
    return deployment === undefined ? 0 : Number((readDeployment(deployment) as { blockNumber?: unknown }).blockNumber ?? 0);
  }

  /** Channels inside the chain, for a key that has an account there; undefined otherwise. */
  async coreChannels(): Promise<CoreHome | undefined> {
    const { bundleSigner } = await this.signer();
    const account = await ignoreAbsence(this.client.account(bundleSigner.address));
    return account === undefined ? undefined : new CoreHome(new CoreChannelDesk(await this.agent()), await this.#l1(await this.#chainId()));
  }

  async #chainId(): Promise<number> {
    return (await this.client.config()).domain.chainId;
  }

  /** @throws SdkError `SDK_UNREACHABLE`, `SDK_WRONG_CHAIN` */
  async #l1(chainId: number): Promise<JsonRpcProvider> {
    if (this.#provider !== undefined) return this.#provider;
    const answer = (await new HttpService(this.config.l1).postJson("", { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }))["result"];
    if (Number(answer) !== chainId) throw sdkError("SDK_WRONG_CHAIN", `the L1 at ${this.config.l1} has id ${Number(answer)}, the chain's ${chainId}`);
    this.#provider = new JsonRpcProvider(this.config.l1, chainId, { staticNetwork: true, pollingInterval: 200, cacheTimeout: -1 });
    return this.#provider;
  }

  async close(): Promise<void> {
    this.#provider?.destroy();
    await this.client.close();
  }
}

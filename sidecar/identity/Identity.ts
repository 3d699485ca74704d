import { setTimeout as sleep } from "node:timers/promises";

import { id } from "ethers";
import type { Provider, Signer } from "ethers";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Agent } from "../../sdk/Agent.ts";
import type { Agnt2Client } from "../../sdk/Agnt2Client.ts";
import { AgentDesk } from "../../sdk/agents/AgentDesk.ts";
import type { Economy } from "../../sdk/economy/readEconomy.ts";
import { L1Account } from "../../sdk/L1Account.ts";
import { toBaseUnits } from "../../sdk/amount.ts";
import { isAbsence } from "../../sdk/absence.ts";
import type { SidecarSettings } from "../config.ts";
import type { AccountSigner } from "./AccountSigner.ts";
import { awaitFunds } from "./awaitFunds.ts";
import { IdentityError } from "./IdentityError.ts";
import type { IdentityJournal } from "./IdentityJournal.ts";
import type { IdentityProgress, IdentityStep, L1Step } from "./IdentityProgress.ts";
import { JournaledSigner, settlePending } from "./JournaledSigner.ts";
import type { OwnKey } from "./openKey.ts";
import { readOwnAccount } from "./readOwnAccount.ts";
import type { OwnAccount } from "./readOwnAccount.ts";
import { SessionKey } from "./SessionKey.ts";

const RETRY_MS = 3_000;
const POLL_MS = 200;
const TAKEN_OVER_MS = 120_000;
/** How often it is looked whether session and advertisement still stand. */
const KEEP_MS = 60_000;

/** Who the agent is, as far as it is known. */
export interface IdentityFacts {
  /** Lower case. */
  readonly address: string;
  readonly agentId: bigint | undefined;
  readonly accountIndex: number | undefined;
}

/** What the agent says of itself, made from one description. */
export interface SelfDescription {
  /** What the registry should hold. */
  uri(facts: IdentityFacts): string;
  /** What ADVERTISE puts on the chain; hashes in lower-case hex. */
  advertisement(facts: IdentityFacts): { readonly capabilities: string; readonly prices: string; readonly capabilitiesHash: string; readonly pricesHash: string };
}

export interface IdentityOptions {
  readonly settings: SidecarSettings;
  readonly key: OwnKey;
  readonly client: Agnt2Client;
  /** Of the own account, signing through `accountSigner`. */
  readonly agent: Agent;
  readonly accountSigner: AccountSigner;
  readonly economy: Economy;
  readonly provider: Provider;
  readonly journal: IdentityJournal;
  readonly describe: SelfDescription;
  readonly logger: Logger;
  readonly onProgress?: (progress: IdentityProgress) => void;
  /** Told of each point at which a crash would leave something half done; for tests. */
  readonly onPoint?: (point: string) => Promise<void> | void;
}

/**
 * The agent's identity on both chains. Each step looks first whether it is done already, settles what an earlier run has sent, and writes
 * down what it sends before it sends it; so it may be ended at any moment and begun again.
 */
export class Identity {
  readonly session: SessionKey;
  readonly #options: IdentityOptions;
  readonly #stop = new AbortController();
  readonly #missing = new Set<IdentityStep>();
  #agentId: bigint | undefined;
  #account: OwnAccount | undefined;
  #running: Promise<void> = Promise.resolve();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: IdentityOptions) {
    this.#options = options;
    const { settings, agent, accountSigner } = options;
    this.session = new SessionKey({ settings, agent, accountSigner });
    this.#agentId = options.journal.agentId;
    for (const step of settings.identity) this.#missing.add(step);
  }

  get facts(): IdentityFacts {
    return { address: this.#options.key.address, agentId: this.#agentId, accountIndex: this.#account?.index ?? this.#options.journal.accountIndex };
  }

  /** Steps that are wanted and not done. */
  get missing(): readonly IdentityStep[] {
    return [...this.#missing];
  }

  get isReady(): boolean {
    return this.#missing.size === 0;
  }

  get isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /**
   * Does what is missing, again and again until nothing is, then keeps it so. What cannot be mended by waiting rejects.
   * @returns when everything is done for the first time
   */
  async start(): Promise<void> {
    const first = this.#untilDone();
    this.#running = first.catch(() => undefined);
    await first;
    this.#running = this.#keep().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#options.logger.error({ err: toError(error) }, "The identity is not looked after any more.");
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#turn.catch(() => undefined);
  }

  /** Looks now whether session and advertisement still stand: after prices have changed. */
  async refresh(): Promise<void> {
    await this.#untilDone();
  }

  async #untilDone(): Promise<void> {
    for (;;) {
      this.#stop.signal.throwIfAborted();
      try {
        await this.#runAll();
        return;
      } catch (error) {
        if (!isAbsence(error) && !isWaiting(error)) throw error;
        this.#tell({ kind: "trouble", error: toError(error) });
        await this.#pause(RETRY_MS);
      }
    }
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.#pause(KEEP_MS);
      if (this.#stop.signal.aborted) return;
      try {
        await this.#runAll();
      } catch (error) {
        this.#tell({ kind: "trouble", error: toError(error) });
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal, ref: true }).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  #wants(step: IdentityStep): boolean {
    return this.#options.settings.identity.includes(step);
  }

  /** One after the other: two at once would send a step twice. */
  #runAll(): Promise<void> {
    const turn = this.#turn.catch(() => undefined).then(() => this.#runOnce());
    this.#turn = turn;
    return turn;
  }

  async #runOnce(): Promise<void> {
    this.#stop.signal.throwIfAborted();
    await this.#settleAll();
    await this.#look();
    if (this.#wants("registration")) await this.#step("registration", this.#agentId !== undefined, () => this.#register());
    if (this.#wants("account")) await this.#step("account", this.#account !== undefined, () => this.#open());
    // Without an account nothing else can stand.
    if (this.#account === undefined) return;
    if (this.#wants("link") && this.#agentId !== undefined) await this.#step("link", this.#account.linkedAgentId === this.#agentId, () => this.#link());
    if (this.#wants("registration")) await this.#describe();
    if (this.#wants("session")) await this.#step("session", await this.session.isGood(this.#account), () => this.#setSession());
    if (this.#wants("advertise")) await this.#step("advertise", this.#isAdvertised(), () => this.#advertise());
  }

  async #step(step: IdentityStep, isDone: boolean, perform: () => Promise<void>): Promise<void> {
    this.#stop.signal.throwIfAborted();
    if (!isDone) {
      this.#missing.add(step);
      this.#tell({ kind: "begun", step });
      await perform();
      this.#tell({ kind: "done", step, facts: this.facts });
    }
    this.#missing.delete(step);
  }

  #tell(progress: IdentityProgress): void {
    this.#options.onProgress?.(progress);
  }

  async #at(point: string): Promise<void> {
    await this.#options.onPoint?.(point);
  }

  /** What an earlier run has sent is mined first: only then does the chain say what is done. */
  async #settleAll(): Promise<void> {
    const { journal, provider } = this.#options;
    for (const step of ["registration", "account", "link", "uri"] as const) {
      const pending = journal.pending(step);
      if (pending === undefined) continue;
      this.#tell({ kind: "resumed", step, transactionHash: pending.hash });
      const receipt = await settlePending(journal, provider, step, this.#stop.signal);
      // Credit and link come with the chain's next batches: not mined twice meanwhile.
      if (receipt !== null && receipt !== undefined) await this.#takenOver(step, pending.to);
      await journal.settle(step);
    }
  }

  async #takenOver(step: L1Step, to: string): Promise<void> {
    const { client, agent, key } = this.#options;
    const { inbox, bridge } = (await client.config()).contracts;
    if (step === "account" && to === bridge.toLowerCase()) await this.#until(step, async () => (await readOwnAccount(client, key.address)) !== undefined);
    if (step === "link" && to === inbox.toLowerCase()) await this.#until(step, async () => (await readOwnAccount(client, agent.address))?.linkedAgentId !== undefined);
  }

  async #look(): Promise<void> {
    const { client, key, journal } = this.#options;
    this.#account = await readOwnAccount(client, key.address);
    if (this.#account !== undefined && journal.accountIndex !== this.#account.index) await journal.setAccountIndex(this.#account.index);
    if (this.#wants("registration") && this.#agentId === undefined) this.#agentId = await this.#findAgent();
    if (this.#agentId !== undefined && journal.agentId !== this.#agentId) await journal.setAgentId(this.#agentId);
  }

  /** The agent that the settings name, or the only one that the key owns. @throws IdentityError `identity/agents`, `identity/not-ours` */
  async #findAgent(): Promise<bigint | undefined> {
    const { settings, key } = this.#options;
    const desk = this.#desk(this.#l1Signer());
    if (settings.agentId !== undefined) {
      const { owner } = await desk.show(BigInt(settings.agentId));
      if (owner !== key.address) throw new IdentityError("identity/not-ours", { agentId: String(settings.agentId), owner });
      return BigInt(settings.agentId);
    }
    const owned = await desk.registeredBy(key.address);
    if (owned.length > 1) throw new IdentityError("identity/agents", { agentIds: owned.map(String) });
    return owned[0];
  }

  #l1Signer(): Signer {
    return this.#options.key.connectL1(this.#options.provider);
  }

  #desk(signer: Signer): AgentDesk {
    return new AgentDesk(this.#options.economy, signer);
  }

  /** A signer for one step, once there is enough to pay for what is left. */
  async #payer(step: L1Step): Promise<JournaledSigner> {
    const { settings, client, provider, journal, key } = this.#options;
    const { asset } = await client.config();
    const isOpen = this.#account !== undefined;
    const left = { registration: this.#agentId === undefined && this.#wants("registration"), account: !isOpen && this.#wants("account"), link: this.#wants("link"), uri: this.#wants("registration") };
    await awaitFunds({
      step, left, provider, address: key.address, asset, depositBase: isOpen ? 0n : toBaseUnits(settings.deposit, asset),
      faucetUrl: settings.faucet, signal: this.#stop.signal, tell: (progress) => this.#tell(progress),
    });
    const signer = new JournaledSigner(this.#l1Signer(), provider, journal, step);
    const { onPoint } = this.#options;
    return onPoint === undefined ? signer : signer.withPoints(onPoint);
  }

  async #register(): Promise<void> {
    const { settings, journal, describe } = this.#options;
    const desk = this.#desk(await this.#payer("registration"));
    await this.#at("registration:before");
    // The file itself names the agent's id and account, so it comes once both are known.
    const { agentId } = await desk.register(settings.registrationUrl ? describe.uri(this.facts) : undefined);
    await this.#at("registration:mined");
    this.#agentId = agentId;
    await journal.setAgentId(agentId);
    await journal.settle("registration");
  }

  async #open(): Promise<void> {
    const { settings, client, key, journal } = this.#options;
    const l1 = await L1Account.connect(client, await this.#payer("account"));
    await this.#at("account:before");
    await l1.deposit(settings.deposit);
    await this.#at("account:mined");
    await this.#until("account", async () => (this.#account = await readOwnAccount(client, key.address)) !== undefined);
    await journal.setAccountIndex(this.#account!.index);
    await journal.settle("account");
  }

  async #link(): Promise<void> {
    const { client, key, journal } = this.#options;
    const desk = this.#desk(await this.#payer("link"));
    await this.#at("link:before");
    await desk.link(this.#agentId!);
    await this.#at("link:mined");
    await this.#until("link", async () => (this.#account = await readOwnAccount(client, key.address))?.linkedAgentId === this.#agentId);
    await journal.settle("link");
  }

  /** Has the registry hold what the agent says of itself now. */
  async #describe(): Promise<void> {
    const { describe, journal } = this.#options;
    const uri = describe.uri(this.facts);
    const uriHash = id(uri);
    // L1 is not asked again for what it was seen to hold: a later start works without it.
    if (journal.uriHash === uriHash) return;
    if ((await this.#desk(this.#l1Signer()).show(this.#agentId!)).uri === uri) return journal.setUriHash(uriHash);
    this.#missing.add("registration");
    this.#tell({ kind: "begun", step: "uri" });
    const desk = this.#desk(await this.#payer("uri"));
    await this.#at("uri:before");
    await desk.setUri(this.#agentId!, uri);
    await this.#at("uri:mined");
    await journal.setUriHash(uriHash);
    await journal.settle("uri");
    this.#missing.delete("registration");
    this.#tell({ kind: "done", step: "uri", facts: this.facts });
  }

  async #setSession(): Promise<void> {
    await this.#at("session:before");
    await this.session.renew();
    await this.#at("session:set");
  }

  #isAdvertised(): boolean {
    const { capabilitiesHash, pricesHash } = this.#options.describe.advertisement(this.facts);
    return this.#account?.capabilitiesHash === capabilitiesHash.toLowerCase() && this.#account.pricesHash === pricesHash.toLowerCase();
  }

  async #advertise(): Promise<void> {
    const { agent, describe } = this.#options;
    const { capabilities, prices } = describe.advertisement(this.facts);
    await this.#at("advertise:before");
    await agent.advertise(capabilities, prices).durable;
    await this.#at("advertise:set");
  }

  async #until(step: string, isSo: () => Promise<boolean>): Promise<void> {
    for (const endMs = Date.now() + TAKEN_OVER_MS; ; await this.#pause(POLL_MS)) {
      this.#stop.signal.throwIfAborted();
      if (await isSo()) return;
      if (Date.now() > endMs) throw new IdentityError("identity/waiting", { step, seconds: TAKEN_OVER_MS / 1000 });
    }
  }
}

/** L1 endpoints that are away, and what comes with time. */
function isWaiting(error: unknown): boolean {
  const { code, reaction } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown; reaction?: unknown };
  return reaction === "retry" || (typeof code === "string" && ["NETWORK_ERROR", "SERVER_ERROR", "TIMEOUT", "ECONNREFUSED", "ECONNRESET"].includes(code));
}

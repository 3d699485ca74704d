import type { Recover } from "../core/codec/signature.ts";
import { Agent } from "./Agent.ts";
import type { AgentOptions } from "./Agent.ts";
import type { BundleTransport } from "./bundles/BundleTransport.ts";
import type { L1Progress } from "./bundles/OperationHandle.ts";
import { parseChainConfig } from "./ChainConfig.ts";
import { HttpService } from "./HttpService.ts";
import type { HttpOptions, Json } from "./HttpService.ts";
import { ignoreAbsence, isAbsence } from "./absence.ts";
import { SdkError, sdkError } from "./SdkError.ts";
import { asJson, listField, numberField, parseAccount, textField } from "./state.ts";
import type { AgentAccount } from "./state.ts";
import { checkProof, checkWithdrawalProof } from "./stateProof.ts";
import type { ConfirmedProof, LeafKind, ProvenLeaf } from "./stateProof.ts";
import { resolveChain } from "./trust.ts";
import type { ChainTrust, Token, TrustedChain } from "./trust.ts";
import { AckVerifier } from "./transport/AckVerifier.ts";
import { HttpTransport } from "./transport/HttpTransport.ts";
import { StreamTransport } from "./transport/StreamTransport.ts";

export interface ClientOptions extends HttpOptions, ChainTrust {
  /** Base URL of the sequencer, `http://…` or `https://…`. */
  readonly sequencerUrl: string;
  /** Base URL of a replica's API; needed for what is known of L1 only: batches, claims, proofs. */
  readonly apiUrl?: string;
  /** How bundles travel: over one WebSocket (default where the runtime has one), or as single HTTP requests. */
  readonly transport?: "stream" | "http";
  /** Where the runtime has no WebSocket of its own: one with the browser's interface. */
  readonly webSocket?: typeof WebSocket;
  /** How the signers of answers are recovered. Default: in plain JavaScript, as browsers need it. */
  readonly recover?: Recover;
}

/** What a replica proves, by its name in the API. */
export const PROVEN_OBJECTS = {
  agents: "AGENT", directory: "DIRECTORY", calls: "INVOCATION", workflows: "WORKFLOW", sessions: "SESSION", channels: "CHANNEL", receipts: "RECEIPT", withdrawals: "WITHDRAWAL",
} as const satisfies Record<string, LeafKind>;
export type ProvenObject = keyof typeof PROVEN_OBJECTS;

const POLL_MS = 250;
/** A batch, and a claim that has to wait for its window: on a real chain a week. */
const L1_WAIT_MS = 10 * 60_000;

/** A connection to a chain: reads its state and carries its agents' bundles. Nothing is opened before the first use. */
export class Agnt2Client implements L1Progress {
  readonly sequencer: HttpService;
  readonly transport: BundleTransport;
  readonly #api: HttpService | undefined;
  #config: Promise<TrustedChain> | undefined;
  readonly #trust: ChainTrust;
  readonly #indexes = new Map<string, number>();
  readonly #agents = new Set<Agent>();
  readonly #closing = new AbortController();

  constructor(options: ClientOptions) {
    this.sequencer = new HttpService(options.sequencerUrl, options);
    this.#api = options.apiUrl === undefined ? undefined : new HttpService(options.apiUrl, options);
    this.#trust = options;
    const readVerifier = async (): Promise<AckVerifier> => {
      const { domain, signers } = await this.config();
      return new AckVerifier(domain.separator, signers, options.recover);
    };
    const webSocket = options.webSocket ?? (globalThis.WebSocket as typeof WebSocket | undefined);
    if (options.transport === "stream" && webSocket === undefined) throw sdkError("SDK_INPUT", "this runtime has no WebSocket: name one, or use transport \"http\"");
    this.transport =
      options.transport === "http" || webSocket === undefined
        ? new HttpTransport(this.sequencer, { readVerifier })
        : new StreamTransport({ url: `${this.sequencer.url.replace(/^http/, "ws")}/v1/stream`, webSocket, readVerifier });
  }

  get hasApi(): boolean {
    return this.#api !== undefined;
  }

  /** The replica's API. @throws SdkError `SDK_INPUT` when the client was made without one */
  get api(): HttpService {
    if (this.#api === undefined) throw sdkError("SDK_INPUT", "this needs the apiUrl of a replica");
    return this.#api;
  }

  /**
   * What the chain is, as far as it can be trusted; read once.
   * @throws SdkError `SDK_WRONG_CHAIN`, `SDK_UNTRUSTED`
   */
  config(): Promise<TrustedChain> {
    this.#config ??= this.#readConfig();
    this.#config.catch(() => (this.#config = undefined));
    return this.#config;
  }

  /** With the deployment at hand, whoever sequences may be away: what is on L1 goes on without. */
  async #readConfig(): Promise<TrustedChain> {
    const asked = this.sequencer.get("/v1/config");
    const told = await (this.#trust.deployment === undefined ? asked : ignoreAbsence(asked));
    return resolveChain(this.#trust, told, () => this.#readToken());
  }

  /** A replica reads decimals and symbol from L1. */
  async #readToken(): Promise<Token | undefined> {
    return this.#api === undefined ? undefined : parseChainConfig(await this.#api.get("/v1/config")).token;
  }

  /** How far the sequencer is. */
  status(): Promise<Json> {
    return this.sequencer.get("/v1/status");
  }

  /** The account of an index or address, undefined if there is none. */
  async account(indexOrAddress: number | string): Promise<AgentAccount | undefined> {
    const path = `/v1/agents/${encodeURIComponent(indexOrAddress)}`;
    const asked = this.sequencer.find(path);
    // A replica's account is as of the last batch: good enough when there is nobody else to ask.
    const json = await (this.#api === undefined ? asked : asked.catch((error: unknown) => (isAbsence(error) ? this.api.find(path) : Promise.reject(error as Error))));
    if (json === undefined) return undefined;
    const account = parseAccount(json);
    const answered = typeof indexOrAddress === "number" || /^\d+$/.test(indexOrAddress) ? account.index === Number(indexOrAddress) : account.owner.toLowerCase() === indexOrAddress.toLowerCase();
    if (!answered) throw sdkError("SDK_RESPONSE", `asked for account ${indexOrAddress}, told of ${account.index} of ${account.owner}`);
    return account;
  }

  /**
   * The index of an account. Money goes to indexes, so the sequencer's word is compared with a replica's where there is one
   * that knows the account already; a fresh account is the sequencer's word alone until its batch is on L1.
   * @throws SdkError `SDK_NO_ACCOUNT`, `SDK_BAD_PROOF` (as rejections)
   */
  agentIndex(indexOrAddress: number | string): number | Promise<number> {
    if (typeof indexOrAddress === "number") return indexOrAddress;
    const key = indexOrAddress.toLowerCase();
    return this.#indexes.get(key) ?? this.#findIndex(key);
  }

  async #findIndex(address: string): Promise<number> {
    const account = await this.account(address);
    if (account === undefined) throw sdkError("SDK_NO_ACCOUNT", address, { address });
    const derived = await this.#derivedOwner(account.index);
    if (derived !== undefined && derived !== address) throw sdkError("SDK_BAD_PROOF", `the sequencer says that agent ${account.index} is ${address}, L1 says that it is ${derived}`, { address });
    this.#indexes.set(address, account.index);
    return account.index;
  }

  /** Who has an index as a replica knows it; undefined when it does not, or is away. */
  async #derivedOwner(index: number): Promise<string | undefined> {
    if (this.#api === undefined) return undefined;
    const json = await ignoreAbsence(this.#api.find(`/v1/agents/${index}`));
    return json === undefined ? undefined : parseAccount(json).owner.toLowerCase();
  }

  /** A call by its slot, as the sequencer has it; undefined when it is settled or never was. */
  async invocation(reference: { slot: number; id: number }): Promise<Json | undefined> {
    return this.#object("calls", reference);
  }

  async workflow(reference: { slot: number; id: number }): Promise<Json | undefined> {
    return this.#object("workflows", reference);
  }

  /** The channel in a slot, as the sequencer has it; undefined when the slot is free or holds another one. */
  async channel(reference: { slot: number; id: number }): Promise<Json | undefined> {
    return this.#object("channels", reference);
  }

  async #object(kind: string, { slot, id }: { slot: number; id: number }): Promise<Json | undefined> {
    const json = await this.sequencer.find(`/v1/${kind}/${slot}`);
    return json !== undefined && Number(json["id"]) === id ? json : undefined;
  }

  /** An agent that signs with `options.signer`. */
  async agent(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(this, await this.config(), options);
    this.#agents.add(agent);
    return agent;
  }

  /** Unix seconds by this machine's clock; deadlines count from it. */
  now(): number {
    return Date.now() / 1000;
  }

  /** @throws SdkError `SDK_TIMEOUT` */
  async posted(receipt: number, timeoutMs = L1_WAIT_MS): Promise<{ batch: number }> {
    const json = await this.#until("its batch is not on L1", timeoutMs, () => this.api.find(`/v1/receipts/${receipt}`));
    return { batch: numberField(json, "batchIndex") };
  }

  /** @throws SdkError `SDK_TIMEOUT` */
  async confirmed(receipt: number, timeoutMs = L1_WAIT_MS): Promise<{ claimId: string; stateRoot: string }> {
    const endMs = Date.now() + timeoutMs;
    const { batch } = await this.posted(receipt, timeoutMs);
    return this.#until("no state with it is confirmed", endMs - Date.now(), async () => {
      const { latestConfirmed } = await this.api.get("/v1/status");
      if (typeof latestConfirmed !== "object" || latestConfirmed === null) return undefined;
      const claim = latestConfirmed as Json;
      const [epoch] = listField(await this.api.get(`/v1/epochs?from=${numberField(claim, "epoch")}&limit=1`), "items");
      if (epoch === undefined || numberField(asJson(epoch), "batchEnd") <= batch) return undefined;
      return { claimId: textField(claim, "claimId"), stateRoot: textField(claim, "stateRoot") };
    });
  }

  /**
   * The receipt, proven against a root that the sequencer has signed; waits until the batch with it is on L1.
   * @throws SdkError `SDK_BAD_PROOF` when the replica's proof does not lead to that root; `SDK_TIMEOUT`
   */
  async receiptIn(receipt: number, root: { batchCount: number; stateRoot: string }, timeoutMs = L1_WAIT_MS): Promise<ProvenLeaf> {
    const path = `/v1/receipts/${receipt}/proof?batchCount=${root.batchCount}`;
    const proven = checkProof(await this.#until("its batch is not on L1", timeoutMs, () => this.api.find(path)), "RECEIPT", receipt);
    if (proven.stateRoot !== root.stateRoot.toLowerCase()) {
      throw sdkError("SDK_BAD_PROOF", `after ${root.batchCount} batches the sequencer has signed the root ${root.stateRoot}, and the replica derives ${proven.stateRoot} from L1`, { receipt });
    }
    return proven;
  }

  /** A leaf of the newest state that a replica has derived, proven against its root; undefined if there is none. */
  async proof(object: ProvenObject, index: number): Promise<ProvenLeaf | undefined> {
    const path = object === "receipts" || object === "withdrawals" ? `/v1/${object}/${index}/proof` : `/v1/proofs/${object}/${index}`;
    const json = await this.api.find(path);
    return json === undefined ? undefined : checkProof(json["proof"] ?? json, PROVEN_OBJECTS[object], index);
  }

  /** Proof of a withdrawal in a state that the replica calls confirmed; undefined while none holds it. @throws SdkError `SDK_BAD_PROOF` */
  async withdrawalProof(index: number): Promise<ConfirmedProof | undefined> {
    const json = await this.api.find(`/v1/withdrawals/${index}/proof`);
    return json === undefined ? undefined : checkWithdrawalProof(json, index);
  }

  /**
   * Asks again until there is an answer; a server that is away or busy is asked again too.
   * @throws SdkError `SDK_TIMEOUT`; `SDK_CLOSED` when the client is closed meanwhile
   */
  async #until<T>(what: string, timeoutMs: number, ask: () => Promise<T | undefined>): Promise<T> {
    const endMs = Date.now() + timeoutMs;
    for (let last: SdkError | undefined; ; ) {
      if (this.#closing.signal.aborted) throw sdkError("SDK_CLOSED", "the client was closed while waiting for L1");
      try {
        const answer = await ask();
        if (answer !== undefined) return answer;
      } catch (error) {
        if (!(error instanceof SdkError) || error.reaction !== "retry") throw error;
        last = error;
      }
      const pauseMs = Math.max(POLL_MS, 1000 * Number(last?.values["retryAfterSeconds"] ?? 0));
      last = undefined;
      if (Date.now() + pauseMs > endMs) throw sdkError("SDK_TIMEOUT", `${what} after ${timeoutMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Ends the connection; what is not acknowledged yet rejects with `SDK_CLOSED`. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const agent of this.#agents) agent.close();
    await this.transport.close();
  }
}

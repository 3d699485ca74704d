import type { RecordInput, RecordName } from "../core/codec/record.ts";
import { encodeRecord } from "../core/codec/record.ts";
import { RESPONSE } from "../core/generated/protocol.ts";
import type { Agnt2Client } from "./Agnt2Client.ts";
import { toChainUnits } from "./amount.ts";
import type { Amount } from "./amount.ts";
import { Autobundler } from "./bundles/Autobundler.ts";
import type { AutobundlerOptions } from "./bundles/Autobundler.ts";
import { OperationHandle } from "./bundles/OperationHandle.ts";
import type { BundleSigner } from "./BundleSigner.ts";
import { checkedRating, contentHash, invokeFields } from "./operations.ts";
import type { Content, InvokeRequest, Reference, ReferenceLike } from "./operations.ts";
import { sdkError } from "./SdkError.ts";
import { Workflow } from "./Workflow.ts";
import type { WorkflowRequest } from "./Workflow.ts";
import type { AgentAccount } from "./state.ts";
import type { TrustedChain } from "./trust.ts";

export interface AgentOptions extends Pick<AutobundlerOptions, "windowMs" | "maxRecords" | "validSeconds" | "maxInFlight" | "isShared" | "signMs"> {
  /** Signs the bundles: the account's owner key, or a session key that the owner has set. */
  readonly signer: BundleSigner;
  /** The owner's address. Default: the signer's own. Needed with a session key. */
  readonly account?: string;
}

/** An operation and its fields. */
export type RecordOf = { [N in RecordName]: readonly [N, RecordInput<N>] }[RecordName];

const ZERO_ADDRESS = `0x${"00".repeat(20)}`;

/**
 * An account of the chain and what it can do. Every operation returns at once with a handle; operations made in the same few
 * milliseconds share one signature and keep their order.
 */
export class Agent {
  /** The owner's address, lower case. */
  readonly address: string;
  readonly client: Agnt2Client;
  readonly config: TrustedChain;
  readonly #bundler: Autobundler;

  /** @internal Made by `client.agent(…)`. */
  constructor(client: Agnt2Client, config: TrustedChain, options: AgentOptions) {
    const { signer, account, ...bundling } = options;
    this.client = client;
    this.config = config;
    this.address = (account ?? signer.address).toLowerCase();
    this.#bundler = new Autobundler({ ...bundling, signer, domain: config.domain, transport: client.transport, readAccount: () => this.account() });
  }

  /** @throws SdkError `SDK_NO_ACCOUNT` before the first deposit is credited */
  async account(): Promise<AgentAccount> {
    const account = await this.client.account(this.address);
    if (account === undefined) throw sdkError("SDK_NO_ACCOUNT", this.address, { address: this.address });
    return account;
  }

  /** Calls another agent; locks the price. The handle's result refers to the call. */
  invoke(request: InvokeRequest, workflow?: ReferenceLike): OperationHandle {
    const given = request.dependsOn ?? [];
    const awaited = Array.isArray(given) ? (given as readonly ReferenceLike[]) : [given as ReferenceLike];
    const flow = workflow === undefined ? [] : [workflow];
    return this.#operate("INVOKE", () =>
      whenReady([this.client.agentIndex(request.provider)], ([provider]) =>
        whenReady([...flow, ...awaited].map(referenceOf), (references) =>
          invokeFields(request, {
            provider: provider!,
            priceUnits: toChainUnits(request.price, this.config.asset),
            deadline: this.#deadline(request.deadlineSeconds),
            workflow: flow.length === 0 ? undefined : references[0],
            dependencies: references.slice(flow.length),
          }),
        ),
      ),
    );
  }

  /** Answers a call, with its output or, with `failed`, with what went wrong. */
  respond(call: ReferenceLike, output: Content, options: { failed?: boolean } = {}): OperationHandle {
    const status = options.failed === true ? RESPONSE.FAILURE : RESPONSE.SUCCESS;
    return this.#operate("RESPOND", () => whenReady([referenceOf(call)], ([found]) => ({ ...found!, status, outputHash: contentHash(output) })));
  }

  /** Pays an answered call that is under review. Rating: 1 to 5, or none. */
  accept(call: ReferenceLike, rating = 0): OperationHandle {
    return this.#operate("ACCEPT", () => whenReady([referenceOf(call)], ([found]) => ({ ...found!, rating: checkedRating(rating) })));
  }

  /** Takes the price of an answered call back, while it is under review. */
  reject(call: ReferenceLike, rating = 0): OperationHandle {
    return this.#operate("REJECT", () => whenReady([referenceOf(call)], ([found]) => ({ ...found!, rating: checkedRating(rating) })));
  }

  /** Ends a call whose deadline or review window has passed, whoever's it is. */
  timeout(call: ReferenceLike): OperationHandle {
    return this.#operate("TIMEOUT", () => referenceOf(call));
  }

  /** Opens a workflow: its steps are paid all together or not at all. */
  workflow(request: WorkflowRequest): Workflow {
    const opened = this.#operate("WORKFLOW_OPEN", () => ({
      expected: request.steps,
      escrow: toChainUnits(request.escrow, this.config.asset),
      deadline: this.#deadline(request.deadlineSeconds),
    }));
    return new Workflow(this, opened);
  }

  /** A workflow that was opened before. */
  existingWorkflow(reference: Reference): Workflow {
    return new Workflow(this, reference);
  }

  /** Settles a workflow all of whose steps have ended, or whose deadline has passed; anyone's. */
  compose(workflow: ReferenceLike): OperationHandle {
    return this.#operate("COMPOSE", () => referenceOf(workflow));
  }

  /** Pays or refunds one step of a composed workflow; anyone's. */
  claim(call: ReferenceLike): OperationHandle {
    return this.#operate("CLAIM", () => referenceOf(call));
  }

  /** @param to index or address of an agent */
  transfer(to: number | string, amount: Amount): OperationHandle {
    return this.#operate("TRANSFER", () => whenReady([this.client.agentIndex(to)], ([index]) => ({ to: index!, amount: toChainUnits(amount, this.config.asset) })));
  }

  /** Opens an account for somebody else and puts `amount` into it. */
  openAccount(owner: string, amount: Amount = 0n): OperationHandle {
    return this.#operate("OPEN_ACCOUNT", () => ({ owner, amount: toChainUnits(amount, this.config.asset) }));
  }

  /** Lets another key sign for this account, up to an amount and a time; without arguments takes that back. */
  setSessionKey(grant?: { readonly key: string; readonly cap: Amount; readonly seconds: number }): OperationHandle {
    return this.#operate("SET_SESSION_KEY", () =>
      grant === undefined
        ? { key: ZERO_ADDRESS }
        : { key: grant.key, cap: toChainUnits(grant.cap, this.config.asset), expiry: this.#deadline(grant.seconds) },
    );
  }

  /** Publishes what the agent can do and what it costs; the chain keeps the hashes. */
  advertise(capabilities: Content, prices: Content): OperationHandle {
    return this.#operate("ADVERTISE", () => ({ capabilitiesHash: contentHash(capabilities), pricesHash: contentHash(prices) }));
  }

  /** Frees a session in which nothing is outstanding. */
  closeSession(session: ReferenceLike): OperationHandle {
    return this.#operate("SESSION_CLOSE", () => referenceOf(session));
  }

  /** Takes money out of the chain. The result's `id` is the withdrawal's index, for `L1Account.claimWithdrawal`. Default: to the owner. */
  withdraw(amount: Amount, recipient: string = this.address): OperationHandle {
    return this.#operate("WITHDRAW", () => ({ recipient, amount: toChainUnits(amount, this.config.asset) }));
  }

  /** Resolves when everything made so far is durable or refused. */
  async drained(): Promise<void> {
    await this.#bundler.drained();
  }

  close(): void {
    this.#bundler.close();
  }

  /** Operations that need no look-up are queued at once, so they keep the order of the calls. */
  #operate<N extends RecordName>(op: N, fields: () => RecordInput<N> | Promise<RecordInput<N>>): OperationHandle {
    const handle = new OperationHandle(op, this.client);
    const add = (input: RecordInput<N>): void => this.#bundler.add(encodeRecord(op, input), handle);
    try {
      const input = fields();
      if (input instanceof Promise) input.then(add).catch((error: unknown) => handle.fail(error));
      else add(input);
    } catch (error) {
      handle.fail(error);
    }
    return handle;
  }

  /**
   * Operations that must stand next to each other in one bundle, such as a signature and what it is for. At most 16.
   * @returns the handle of the last one, which fails when any of them does
   */
  operateTogether(inputs: readonly RecordOf[]): OperationHandle {
    const records = inputs.map(([op, input]) => ({ record: encodeRecord(op, input as never), handle: new OperationHandle(op, this.client) }));
    this.#bundler.addTogether(records);
    const last = records.at(-1)!.handle;
    for (const { handle } of records) handle.durable.catch((error: unknown) => last.fail(error));
    return last;
  }

  #deadline(seconds: number): number {
    return Math.floor(this.client.now()) + Math.ceil(seconds);
  }
}

/** The object a handle has made, once that is durable, or the reference itself. */
function referenceOf(given: ReferenceLike): Reference | Promise<Reference> {
  if (given instanceof OperationHandle) return given.durable.then(({ slot, id }) => ({ slot, id }));
  return { slot: given.slot, id: given.id };
}

/** Calls `use` at once when all values are there, later when some are promised. */
function whenReady<T, R>(values: readonly (T | Promise<T>)[], use: (values: readonly T[]) => R | Promise<R>): R | Promise<R> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values).then(use) : use(values as readonly T[]);
}

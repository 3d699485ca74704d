import type { Agent } from "./Agent.ts";
import type { Amount } from "./amount.ts";
import { OperationHandle } from "./bundles/OperationHandle.ts";
import type { InvokeRequest, Reference } from "./operations.ts";

export interface WorkflowRequest {
  /** How many steps it will have. */
  readonly steps: number;
  /** What all steps together may cost; locked. */
  readonly escrow: Amount;
  /** Seconds from now until it can be settled without its missing steps. */
  readonly deadlineSeconds: number;
}

/** A workflow: calls that are settled together. Only its owner adds steps; anyone may compose and claim. */
export class Workflow {
  readonly #agent: Agent;
  readonly #opened: OperationHandle | Reference;
  readonly #steps: OperationHandle[] = [];

  constructor(agent: Agent, opened: OperationHandle | Reference) {
    this.#agent = agent;
    this.#opened = opened;
  }

  /** Where the workflow is, once that is durable. */
  async reference(): Promise<Reference> {
    if (!(this.#opened instanceof OperationHandle)) return this.#opened;
    const { slot, id } = await this.#opened.durable;
    return { slot, id };
  }

  /** The handle of WORKFLOW_OPEN; undefined for one that was opened before. */
  get opened(): OperationHandle | undefined {
    return this.#opened instanceof OperationHandle ? this.#opened : undefined;
  }

  /** The steps added through this object. */
  get steps(): readonly OperationHandle[] {
    return this.#steps;
  }

  /** Adds a step: a call that is paid when the whole workflow is. Its deadline may not be after the workflow's. */
  step(request: Omit<InvokeRequest, "review">): OperationHandle {
    const handle = this.#agent.invoke(request, this.#opened);
    this.#steps.push(handle);
    return handle;
  }

  /** Settles it: all steps are paid if all were answered, else all are refunded. */
  compose(): OperationHandle {
    return this.#agent.compose(this.#opened);
  }

  /** Pays out or refunds the steps added through this object; after COMPOSE. */
  claimAll(): OperationHandle[] {
    return this.#steps.map((step) => this.#agent.claim(step));
  }
}

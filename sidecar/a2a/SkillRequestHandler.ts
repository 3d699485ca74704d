import { randomUUID } from "node:crypto";

import { TaskState } from "@a2a-js/sdk";
import type { AgentCard, Message, SendMessageRequest, StreamResponse, Task } from "@a2a-js/sdk";
import { UnsupportedOperationError } from "@a2a-js/sdk/errors";
import { DefaultExecutionEventBusManager, DefaultRequestHandler } from "@a2a-js/sdk/server";
import type { ServerCallContext } from "@a2a-js/sdk/server";

import type { AgentDescription } from "../../sdk/index.ts";
import type { BoundedTaskStore } from "./BoundedTaskStore.ts";
import { callerOf, ownerOf } from "./Caller.ts";
import { prepareCall } from "./PreparedCall.ts";
import type { SkillExecutor } from "./SkillExecutor.ts";

export interface HandlerOptions {
  /** As it is now. */
  readonly description: () => AgentDescription;
  readonly card: AgentCard;
  readonly store: BoundedTaskStore;
  readonly executor: SkillExecutor;
  readonly maxRunning: number;
  /** The id of a task that is made for an invocation; undefined: a random one. */
  readonly taskIdOf: (context: ServerCallContext) => string | undefined;
}

/** The protocol's own handler, with what is checked before a task begins: the skill, the message, who has paid, and room. */
export class SkillRequestHandler extends DefaultRequestHandler {
  readonly #options: HandlerOptions;

  constructor(options: HandlerOptions) {
    super(options.card, options.store, options.executor, new DefaultExecutionEventBusManager(ownerOf));
    this.#options = options;
  }

  override async sendMessage(params: SendMessageRequest, context: ServerCallContext): Promise<Message | Task> {
    this.#check(params, context);
    return super.sendMessage(await this.#named(params, context), context);
  }

  /** What is refused is refused here and now, as any request: the library writes each refusal of a stream to the console. */
  override sendMessageStream(params: SendMessageRequest, context: ServerCallContext): AsyncGenerator<StreamResponse, void, undefined> {
    this.#check(params, context);
    return this.#stream(params, context);
  }

  async *#stream(params: SendMessageRequest, context: ServerCallContext): AsyncGenerator<StreamResponse, void, undefined> {
    yield* super.sendMessageStream(await this.#named(params, context), context);
  }

  #check(params: SendMessageRequest, context: ServerCallContext): void {
    const { description, store, executor, maxRunning } = this.#options;
    const caller = callerOf(context);
    const { message } = params;
    caller.call = prepareCall(description(), caller, params);
    // A task is one message and its answer; whether another's task is there, nobody is told.
    if (message === undefined || message.taskId !== "" || message.referenceTaskIds.length > 0) throw new UnsupportedOperationError("a task takes one message");
    if (executor.running >= maxRunning || !store.hasRoom(caller.userName)) {
      caller.failedStatus = 503;
      throw new UnsupportedOperationError("too many tasks are running: try again later");
    }
  }

  /** A task that an invocation pays for has its id. */
  async #named(params: SendMessageRequest, context: ServerCallContext): Promise<SendMessageRequest> {
    const { store, taskIdOf } = this.#options;
    const { message } = params;
    const id = taskIdOf(context);
    if (message === undefined || id === undefined || (await store.load(id, context)) !== undefined) return params;
    // The protocol's library names tasks by itself, except those that it knows already.
    const contextId = message.contextId === "" ? randomUUID() : message.contextId;
    const status = { state: TaskState.TASK_STATE_SUBMITTED, message: undefined, timestamp: new Date().toISOString() };
    await store.save({ id, contextId, status, artifacts: [], history: [], metadata: undefined }, context);
    return { ...params, message: { ...message, taskId: id, contextId } };
  }
}

import { randomUUID } from "node:crypto";

import { Role, TaskState } from "@a2a-js/sdk";
import type { Message, Part, Task } from "@a2a-js/sdk";
import { AgentEvent } from "@a2a-js/sdk/server";
import type { AgentExecutor, ExecutionEventBus, RequestContext } from "@a2a-js/sdk/server";

import { callerOf } from "./Caller.ts";
import type { Caller } from "./Caller.ts";
import type { PreparedCall } from "./PreparedCall.ts";
import { EventPieces } from "./readPieces.ts";

/** Asks the service behind; as `fetch` does, with the answer's body still to come. */
export type CallUpstream = (call: PreparedCall, caller: Caller, signal: AbortSignal) => Promise<Response>;

export interface ExecutorOptions {
  readonly callUpstream: CallUpstream;
  /** For the whole answer. */
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
  /** For each task of its own. */
  readonly metadataOf: (taskId: string, caller: Caller) => Record<string, unknown>;
  readonly onError: (error: unknown) => void;
}

interface Running {
  readonly abort: AbortController;
  isCanceled: boolean;
}

/** Why a task failed, in words that a stranger may read. */
class TaskFailure extends Error {
  readonly status: number;

  constructor(message: string, status: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

const ARTIFACT_ID = "answer";
/** Pieces of a stream that are told one by one; what follows comes in one. */
const MAX_PIECES = 1_024;

function isText(type: string): boolean {
  return /^(text\/|application\/(.+\+)?(json|xml|javascript)\b)/.test(type);
}

function textPart(value: string, mediaType: string): Part {
  return { content: { $case: "text", value }, metadata: undefined, filename: "", mediaType };
}

/** The whole answer as one part: JSON as data, text as text, anything else as bytes. */
function partOf(bytes: Uint8Array, type: string): Part {
  const bare = type.split(";")[0]?.trim().toLowerCase() ?? "";
  if (isText(bare)) {
    const text = new TextDecoder().decode(bytes);
    if (/^application\/(.+\+)?json$/.test(bare)) {
      try {
        return { content: { $case: "data", value: JSON.parse(text) as unknown }, metadata: undefined, filename: "", mediaType: bare };
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
      }
    }
    return textPart(text, bare);
  }
  return { content: { $case: "raw", value: Buffer.from(bytes) }, metadata: undefined, filename: "", mediaType: bare === "" ? "application/octet-stream" : bare };
}

/**
 * Runs skills: the message goes to the service, its answer becomes the task's artifact, piece by piece where it is a stream. A request that
 * is paid says nothing before the service has answered: if it fails until then, the exchange is one that is not charged.
 */
export class SkillExecutor implements AgentExecutor {
  readonly #options: ExecutorOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Ends all that runs; their tasks fail. */
  stop(): void {
    for (const { abort } of this.#running.values()) abort.abort(new TaskFailure("the agent is being stopped", 503));
  }

  execute = async (context: RequestContext, bus: ExecutionEventBus): Promise<void> => {
    const caller = callerOf(context.context);
    const { call } = caller;
    if (call === undefined) throw new TypeError("the request was not prepared");
    const { taskId, contextId } = context;
    caller.taskId = taskId;
    const running: Running = { abort: new AbortController(), isCanceled: false };
    this.#running.set(taskId, running);
    const timer = setTimeout(() => running.abort.abort(new TaskFailure("the service behind did not answer in time", 504)), this.#options.timeoutMs);
    const begin = (state: TaskState, message?: Message): void => bus.publish(AgentEvent.task(this.#task(context, caller, state, message)));
    const tell = (state: TaskState, message?: Message): void =>
      bus.publish(AgentEvent.statusUpdate({ taskId, contextId, status: { state, message, timestamp: new Date().toISOString() }, metadata: undefined }));
    let hasBegun = caller.paid === undefined;
    if (hasBegun) begin(TaskState.TASK_STATE_WORKING);
    try {
      const response = await this.#ask(call, caller, running.abort.signal);
      if (!hasBegun) begin(TaskState.TASK_STATE_WORKING);
      hasBegun = true;
      await this.#deliver(response, call, { taskId, contextId, bus, signal: running.abort.signal });
      tell(TaskState.TASK_STATE_COMPLETED);
    } catch (error) {
      const failure = error instanceof TaskFailure ? error : new TaskFailure("the service behind did not answer properly", 502, error);
      if (failure.cause !== undefined && !running.isCanceled) this.#options.onError(failure.cause);
      caller.failedStatus = failure.status;
      const state = running.isCanceled ? TaskState.TASK_STATE_CANCELED : TaskState.TASK_STATE_FAILED;
      const message = this.#say(failure.message, taskId, contextId);
      if (hasBegun) tell(state, message);
      else begin(state, message);
    } finally {
      clearTimeout(timer);
      this.#running.delete(taskId);
    }
  };

  /** The task's own end says that it was canceled, once the service has been let go. */
  cancelTask = (taskId: string): Promise<void> => {
    const running = this.#running.get(taskId);
    if (running !== undefined) {
      running.isCanceled = true;
      running.abort.abort(new TaskFailure("canceled", 409));
    }
    return Promise.resolve();
  };

  async #ask(call: PreparedCall, caller: Caller, signal: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await this.#options.callUpstream(call, caller, signal);
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
    if (response.status < 300) return response;
    await response.body?.cancel();
    if (response.status >= 400 && response.status < 500) throw new TaskFailure(`the service refused the request (status ${response.status})`, 422);
    throw new TaskFailure("the service behind did not answer properly", 502);
  }

  async #deliver(response: Response, call: PreparedCall, to: { readonly taskId: string; readonly contextId: string; readonly bus: ExecutionEventBus; readonly signal: AbortSignal }): Promise<void> {
    const { taskId, contextId, bus, signal } = to;
    const type = response.headers.get("content-type") ?? "";
    const isEvents = type.startsWith("text/event-stream");
    const tell = (part: Part, append: boolean, lastChunk: boolean): void =>
      bus.publish(AgentEvent.artifactUpdate({
        taskId, contextId, append, lastChunk, metadata: undefined,
        artifact: { artifactId: ARTIFACT_ID, name: call.skill.name, description: "", parts: [part], metadata: undefined, extensions: [] },
      }));
    if (!isEvents && !(call.skill.isStream && isText(type))) return tell(partOf(await this.#readWhole(response, signal), type), false, true);
    const mediaType = isEvents ? "text/plain" : (type.split(";")[0] ?? "text/plain");
    const events = new EventPieces();
    const decoder = new TextDecoder();
    let pieces = 0;
    let late = "";
    const push = (text: string): void => {
      if (text === "") return;
      if (pieces >= MAX_PIECES) late += text;
      else tell(textPart(text, mediaType), pieces++ > 0, false);
    };
    for await (const chunk of this.#chunks(response, signal)) {
      const text = decoder.decode(chunk, { stream: true });
      for (const piece of isEvents ? events.push(text) : [text]) push(piece);
    }
    for (const piece of isEvents ? [...events.push(decoder.decode()), ...events.end()] : [decoder.decode()]) push(piece);
    tell(textPart(late, mediaType), pieces > 0, true);
  }

  /** The answer's bytes, up to the limit. */
  async *#chunks(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    try {
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes > this.#options.maxAnswerBytes) throw new TaskFailure("the answer is too large for a task", 502);
        yield chunk;
      }
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  async #readWhole(response: Response, signal: AbortSignal): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#chunks(response, signal)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #say(text: string, taskId: string, contextId: string): Message {
    return { role: Role.ROLE_AGENT, messageId: randomUUID(), taskId, contextId, parts: [textPart(text, "text/plain")], metadata: undefined, extensions: [], referenceTaskIds: [] };
  }

  #task({ taskId, contextId, task, userMessage }: RequestContext, caller: Caller, state: TaskState, message: Message | undefined): Task {
    return {
      id: taskId,
      contextId,
      status: { state, message, timestamp: new Date().toISOString() },
      artifacts: [],
      history: task?.history ?? [userMessage],
      metadata: this.#options.metadataOf(taskId, caller),
    };
  }
}

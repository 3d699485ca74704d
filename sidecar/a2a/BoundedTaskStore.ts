import { randomUUID } from "node:crypto";

import type { ListTasksRequest, ListTasksResponse, Task } from "@a2a-js/sdk";
import { Role, TaskState } from "@a2a-js/sdk";
import type { ServerCallContext, TaskStore } from "@a2a-js/sdk/server";

import { callerOf } from "./Caller.ts";
import type { KeptTask, TaskFile } from "./TaskFile.ts";

/** Where a task's metadata says how it was paid. */
export const TASK_METADATA = "agnt2";

export interface TaskLimits {
  /** Default 4,096. */
  readonly maxTasks: number;
  /** Of one owner; those without one share this number too. Default 512. */
  readonly maxTasksPerOwner: number;
  /** Of all tasks as JSON. Default 64 MiB. */
  readonly maxBytes: number;
  /** Since its last change. Default one day. */
  readonly maxAgeMs: number;
}

export const TASK_LIMITS: TaskLimits = { maxTasks: 4_096, maxTasksPerOwner: 512, maxBytes: 64 * 1024 * 1024, maxAgeMs: 86_400_000 };

interface Kept extends KeptTask {
  readonly bytes: number;
  answerHash: string | undefined;
}

const ENDED: readonly (TaskState | undefined)[] = [TaskState.TASK_STATE_COMPLETED, TaskState.TASK_STATE_FAILED, TaskState.TASK_STATE_CANCELED, TaskState.TASK_STATE_REJECTED];

export function isEnded(task: Task): boolean {
  return ENDED.includes(task.status?.state);
}

function shown({ task, answerHash }: Kept): Task {
  const copy = structuredClone(task);
  if (answerHash === undefined) return copy;
  const own = copy.metadata?.[TASK_METADATA] as Record<string, unknown> | undefined;
  return { ...copy, metadata: { ...copy.metadata, [TASK_METADATA]: { ...own, answerHash } } };
}

/** What is left of a task that ran when the process ended. */
function broken(task: Task): Task {
  const text = { content: { $case: "text" as const, value: "the agent was started anew" }, metadata: undefined, filename: "", mediaType: "text/plain" };
  const message = { role: Role.ROLE_AGENT, messageId: randomUUID(), taskId: task.id, contextId: task.contextId, parts: [text], metadata: undefined, extensions: [], referenceTaskIds: [] };
  return { ...task, status: { state: TaskState.TASK_STATE_FAILED, message, timestamp: new Date().toISOString() } };
}

/**
 * Tasks in memory: so many, so large and so old at most, each owner's for itself. When room is needed, the task goes that ended first;
 * running tasks never do. With a file they are found again by the next start, those that ran then as failed; of what a running task has said
 * so far nothing is written.
 */
export class BoundedTaskStore implements TaskStore {
  readonly #limits: TaskLimits;
  readonly #nowMs: () => number;
  readonly #file: TaskFile | undefined;
  /** The one that was changed longest ago first. */
  readonly #tasks = new Map<string, Kept>();
  readonly #counts = new Map<string, number>();
  #bytes = 0;

  constructor(limits: Partial<TaskLimits> = {}, nowMs: () => number = Date.now, file?: TaskFile) {
    this.#limits = { ...TASK_LIMITS, ...limits };
    this.#nowMs = nowMs;
    this.#file = file;
    for (const kept of file?.read() ?? []) {
      const task = isEnded(kept.task) ? kept.task : broken(kept.task);
      this.#put({ ...kept, task, bytes: JSON.stringify(task).length });
    }
    while ((this.#tasks.size > this.#limits.maxTasks || this.#bytes > this.#limits.maxBytes) && this.#dropEnded()) continue;
  }

  get size(): number {
    return this.#tasks.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether another task of this owner can be begun. Makes room where tasks have ended. */
  hasRoom(owner: string): boolean {
    this.#dropOld();
    if ((this.#counts.get(owner) ?? 0) >= this.#limits.maxTasksPerOwner && !this.#dropEnded(owner)) return false;
    return this.#tasks.size < this.#limits.maxTasks || this.#dropEnded();
  }

  save(task: Task, context: ServerCallContext): Promise<void> {
    const { userName: owner } = callerOf(context);
    const before = this.#tasks.get(task.id);
    if (before !== undefined && before.owner !== owner) return Promise.reject(new Error("the task is another's"));
    if (before === undefined && !this.hasRoom(owner)) return Promise.reject(new Error("too many tasks are running"));
    const bytes = JSON.stringify(task).length;
    this.#remove(task.id);
    const kept = { task: structuredClone(task), owner, bytes, changedAtMs: this.#nowMs(), answerHash: before?.answerHash };
    this.#put(kept);
    if (before === undefined || isEnded(task)) this.#file?.change(task.id, kept);
    while (this.#bytes > this.#limits.maxBytes && this.#dropEnded()) continue;
    return Promise.resolve();
  }

  load(taskId: string, context: ServerCallContext): Promise<Task | undefined> {
    this.#dropOld();
    const caller = callerOf(context);
    const kept = this.#tasks.get(taskId);
    const isSeen = kept !== undefined && kept.owner === caller.userName && (caller.grant === undefined || caller.paid !== undefined || caller.grant.taskId === taskId);
    return Promise.resolve(isSeen ? shown(kept) : undefined);
  }

  /** From now on the task's metadata names the answer that it was told in. */
  setAnswerHash(taskId: string, answerHash: string): void {
    const kept = this.#tasks.get(taskId);
    if (kept === undefined) return;
    kept.answerHash = answerHash;
    this.#file?.change(taskId, kept);
  }

  /** An owner's tasks, the latest first. Who is nobody in particular, or has come with a token for one task, sees no list. */
  list(params: ListTasksRequest, context: ServerCallContext): Promise<ListTasksResponse> {
    this.#dropOld();
    const { paid } = callerOf(context);
    const pageSize = params.pageSize ?? 50;
    const since = params.statusTimestampAfter === undefined ? undefined : Date.parse(params.statusTimestampAfter);
    const found = paid === undefined ? [] : [...this.#tasks.values()].reverse().filter(({ owner, task }) =>
      owner === paid.payer
      && (params.contextId === "" || task.contextId === params.contextId)
      && (params.status === TaskState.TASK_STATE_UNSPECIFIED || params.status === undefined || task.status?.state === params.status)
      && (since === undefined || Date.parse(task.status?.timestamp ?? "") > since));
    const start = /^\d{1,9}$/.test(params.pageToken) ? Number(params.pageToken) : 0;
    const tasks = found.slice(start, start + pageSize).map((kept) => {
      const copy = shown(kept);
      return params.includeArtifacts === true ? copy : { ...copy, artifacts: [] };
    });
    const next = start + tasks.length;
    return Promise.resolve({ tasks, nextPageToken: next < found.length ? String(next) : "", pageSize, totalSize: found.length });
  }

  #put(kept: Kept): void {
    const { task: { id }, owner, bytes } = kept;
    this.#tasks.set(id, kept);
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
    this.#bytes += bytes;
  }

  /** It leaves memory and file. */
  #drop(id: string): void {
    this.#remove(id);
    this.#file?.change(id, undefined);
  }

  #remove(id: string): void {
    const kept = this.#tasks.get(id);
    if (kept === undefined) return;
    this.#tasks.delete(id);
    this.#bytes -= kept.bytes;
    const left = (this.#counts.get(kept.owner) ?? 1) - 1;
    if (left > 0) this.#counts.set(kept.owner, left);
    else this.#counts.delete(kept.owner);
  }

  #dropOld(): void {
    const oldest = this.#nowMs() - this.#limits.maxAgeMs;
    for (const [id, { changedAtMs }] of this.#tasks) {
      if (changedAtMs >= oldest) return;
      this.#drop(id);
    }
  }

  #dropEnded(owner?: string): boolean {
    for (const [id, kept] of this.#tasks) {
      if ((owner !== undefined && kept.owner !== owner) || !isEnded(kept.task)) continue;
      this.#drop(id);
      return true;
    }
    return false;
  }
}

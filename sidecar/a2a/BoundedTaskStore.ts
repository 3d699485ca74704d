import type { ListTasksRequest, ListTasksResponse, Task } from "@a2a-js/sdk";
import { TaskState } from "@a2a-js/sdk";
import type { ServerCallContext, TaskStore } from "@a2a-js/sdk/server";

import { callerOf } from "./Caller.ts";

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

interface Kept {
  task: Task;
  readonly owner: string;
  bytes: number;
  changedAtMs: number;
  /** Hash of the HTTP answer in which the task was told; known when its head is written. */
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

/**
 * Tasks in memory: so many, so large and so old at most, each owner's for itself. When room is needed, the task goes that ended first;
 * running tasks never do. Tasks are lost with the process: what was paid stays in the ledger.
 */
export class BoundedTaskStore implements TaskStore {
  readonly #limits: TaskLimits;
  readonly #nowMs: () => number;
  /** The one that was changed longest ago first. */
  readonly #tasks = new Map<string, Kept>();
  readonly #counts = new Map<string, number>();
  #bytes = 0;

  constructor(limits: Partial<TaskLimits> = {}, nowMs: () => number = Date.now) {
    this.#limits = { ...TASK_LIMITS, ...limits };
    this.#nowMs = nowMs;
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
    this.#tasks.set(task.id, { task: structuredClone(task), owner, bytes, changedAtMs: this.#nowMs(), answerHash: before?.answerHash });
    this.#counts.set(owner, (this.#counts.get(owner) ?? 0) + 1);
    this.#bytes += bytes;
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
    if (kept !== undefined) kept.answerHash = answerHash;
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
      this.#remove(id);
    }
  }

  #dropEnded(owner?: string): boolean {
    for (const [id, kept] of this.#tasks) {
      if ((owner !== undefined && kept.owner !== owner) || !isEnded(kept.task)) continue;
      this.#remove(id);
      return true;
    }
    return false;
  }
}

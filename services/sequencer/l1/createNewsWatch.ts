import type { BlockRef } from "../../../chain/HeadWatcher.ts";

export interface NewsWatchOptions<Task extends string> {
  readonly latest: () => Promise<BlockRef>;
  /** What else the tasks depend on, in one text: what this process knows by itself. */
  readonly own: () => string;
  /** Also without news a task reads after so long: time itself opens and closes things, and a node may have told half of what it knew. */
  readonly readAgainMs: Readonly<Record<Task, number>>;
  readonly monotonicMs?: () => number;
}

/** Tells whether there is anything new to be read, at the price of one block header for all who ask at once. */
export interface NewsWatch<Task extends string> {
  /** Whether L1 or this process went on since the task read last, or it has to read anyway. */
  isThereFor(task: Task): Promise<boolean>;
  /** Reads, and remembers of when that is. @param turn tells whether all is done that could be done */
  read(task: Task, turn: () => Promise<boolean>): Promise<void>;
}

interface LastRead {
  readonly atMs: number;
  readonly own: string;
  readonly isDone: boolean;
}

/** For tasks that read much, often, of a chain that seldom changes. */
export function createNewsWatch<Task extends string>({ latest, own, readAgainMs, monotonicMs = () => performance.now() }: NewsWatchOptions<Task>): NewsWatch<Task> {
  const reads = new Map<Task, LastRead>();
  /** The head that a task knew of before it read: what it read is of that one or a later one. */
  const heads = new Map<Task, string>();
  let asking: Promise<BlockRef> | undefined;

  function head(): Promise<BlockRef> {
    asking ??= latest().finally(() => (asking = undefined));
    return asking;
  }

  return {
    async isThereFor(task) {
      const last = reads.get(task);
      if (last?.isDone !== true || last.own !== own() || monotonicMs() - last.atMs >= readAgainMs[task]) return true;
      const { hash } = await head();
      if (heads.get(task) === hash) return false;
      heads.set(task, hash);
      return true;
    },
    async read(task, turn) {
      // Of before the turn: what changes meanwhile is news.
      const before = { atMs: monotonicMs(), own: own() };
      reads.delete(task);
      reads.set(task, { ...before, isDone: await turn() });
    },
  };
}

/** What a process has on its heap when all that nobody holds is gone. */
export interface LiveHeap {
  readonly heapMiB: number;
  /** Buffers and what libraries have beside the heap. */
  readonly externalMiB: number;
}

const MIB = 2 ** 20;
const ANSWER_MS = 60_000;

interface Waiting {
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** Speaks with a Node process that was started with `--inspect`. Needs nothing from the program that runs there. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(String(data)) as Message));
    socket.addEventListener("close", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("the process has closed its inspector"));
      this.#waiting.clear();
    });
  }

  /** @throws Error when no inspector listens at this port of the loopback */
  static async connect(port: number): Promise<Inspector> {
    const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { readonly webSocketDebuggerUrl: string }[];
    const socket = new WebSocket(target!.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("error", () => reject(new Error(`no inspector at port ${port}`)), { once: true });
    });
    return new Inspector(socket);
  }

  #take({ id, result, error }: Message): void {
    if (id === undefined) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result ?? {});
    else waiting?.reject(new Error(error.message));
  }

  #ask(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} was not answered`)), ANSWER_MS);
      const end = <T>(told: (value: T) => void) => (value: T): void => {
        clearTimeout(timer);
        told(value);
      };
      this.#waiting.set(id, { resolve: end(resolve), reject: end(reject) });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  /** Collects what nobody holds, and says what is left. */
  async liveHeap(): Promise<LiveHeap> {
    await this.#ask("HeapProfiler.collectGarbage");
    const { result } = await this.#ask("Runtime.evaluate", { expression: "JSON.stringify(process.memoryUsage())" });
    const { heapUsed, external } = JSON.parse((result as { value: string }).value) as { heapUsed: number; external: number };
    return { heapMiB: Math.round((10 * heapUsed) / MIB) / 10, externalMiB: Math.round((10 * external) / MIB) / 10 };
  }

  close(): void {
    this.#socket.close();
  }
}

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

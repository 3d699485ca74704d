import { KeepAliveClient } from "../../bench/sidecar/KeepAliveClient.ts";

/** So many exchanges of one kind over so many connections to a gateway. */
export interface TrafficPlan {
  readonly port: number;
  /** Of the gateway: agent and path. */
  readonly path: string;
  readonly total: number;
  readonly connections: number;
}

const REFUSED_PAUSE_MS = 50;
const AHEAD_PAUSE_MS = 50;

/** A program behind the buyer's sidecar that asks the same service again and again, each time for something else. */
export class Traffic {
  readonly #plan: TrafficPlan;
  #begun = 0;
  #answered = 0;
  #refused = 0;
  #lastRefusal = "";
  #isStopped = false;

  constructor(plan: TrafficPlan) {
    this.#plan = plan;
  }

  get total(): number {
    return this.#plan.total;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Answers other than 200: asked again. What they cost, if anything, is in the books of both sides. */
  get refused(): number {
    return this.#refused;
  }

  get lastRefusal(): string {
    return this.#lastRefusal;
  }

  get part(): number {
    return this.#plan.total === 0 ? 1 : this.#answered / this.#plan.total;
  }

  /** What was asked is answered still; nothing more is asked. */
  stop(): void {
    this.#isStopped = true;
  }

  /** @param mayGo whether this kind is not too far ahead of the others */
  async run(mayGo: () => boolean): Promise<void> {
    await Promise.all(Array.from({ length: Math.min(this.#plan.connections, this.#plan.total) }, () => this.#worker(mayGo)));
  }

  async #worker(mayGo: () => boolean): Promise<void> {
    const { port, path, total } = this.#plan;
    let client: KeepAliveClient | undefined;
    while (this.#begun < total && !this.#isStopped) {
      if (!mayGo()) {
        // Idle connections are closed by the gateway when it likes.
        client?.close();
        client = undefined;
        await new Promise((resolve) => setTimeout(resolve, AHEAD_PAUSE_MS));
        continue;
      }
      if (client === undefined) {
        client = await KeepAliveClient.connect(port);
        // The last one may have been asked meanwhile.
        continue;
      }
      const number = (this.#begun += 1);
      const answer = await client.send(`GET ${path}?n=${number} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`).catch((error: unknown) => ({ status: 0, head: "", body: Buffer.from(String(error)) }));
      if (answer.status === 200) this.#answered += 1;
      else {
        this.#begun -= 1;
        this.#refused += 1;
        this.#lastRefusal = `${answer.head.split("\r\n")[0]} ${answer.body.toString().slice(0, 300)}`;
        if (this.#refused > 1_000 + total / 100) throw new Error(`too many refusals, the last: ${this.#lastRefusal}`);
        await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
      }
      if (answer.status === 0 || /\r\nconnection: *close/i.test(answer.head)) {
        client.close();
        client = undefined;
      }
    }
    client?.close();
  }
}

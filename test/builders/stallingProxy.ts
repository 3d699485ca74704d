import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP proxy that a test can make deaf, cut, or close on one side only. */
export interface StallingProxy {
  readonly port: number;
  /** While true nothing passes, and nothing ends. */
  isStalled: boolean;
  /** Connections that were made so far. */
  readonly made: number;
  /** Ends every connection at once. */
  cut(): void;
  /** Ends the half of every connection that goes to the target. */
  halfClose(): void;
  stop(): Promise<void>;
}

export async function startStallingProxy(targetPort: number): Promise<StallingProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  const state = { isStalled: false, made: 0 };
  const waiting: (() => void)[] = [];
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    state.made += 1;
    const outgoing = connect({ port: targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const pair = [incoming, outgoing] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [outgoing, incoming] as const]) {
      const pass = (work: () => void): void => void (state.isStalled ? waiting.push(work) : work());
      from.on("data", (chunk: Buffer) => pass(() => void to.write(chunk)));
      from.on("end", () => pass(() => void to.end()));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        pairs.delete(pair);
        pass(() => void to.destroy());
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get isStalled() {
      return state.isStalled;
    },
    set isStalled(value: boolean) {
      state.isStalled = value;
      if (!value) for (const work of waiting.splice(0)) work();
    },
    get made() {
      return state.made;
    },
    cut() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
    halfClose() {
      for (const [, outgoing] of pairs) outgoing.end();
    },
    async stop() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

import { createServer, request } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** An HTTP proxy in front of an endpoint that a test can take down and up again. */
export interface SwitchableProxy {
  readonly url: string;
  isUp: boolean;
  /** Requests that were passed on. */
  readonly served: number;
  stop(): Promise<void>;
}

export async function startSwitchableProxy(target: string): Promise<SwitchableProxy> {
  const state = { isUp: true, served: 0 };
  const server = createServer((incoming, outgoing) => {
    if (!state.isUp) return void incoming.socket.destroy();
    state.served += 1;
    const forwarded = request(target, { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.on("error", () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get isUp() {
      return state.isUp;
    },
    set isUp(value: boolean) {
      state.isUp = value;
    },
    get served() {
      return state.served;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

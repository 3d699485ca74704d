/** A TCP proxy of its own process that holds back everything for a while, both ways: `node delayProxy.ts PORT MS`. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

const [targetPort = 0, delayMs = 0] = process.argv.slice(2).map(Number);

function pass(from: Socket, to: Socket): void {
  from.setNoDelay(true);
  from.on("data", (chunk) => void setTimeout(() => to.write(chunk), delayMs));
  from.on("close", () => void setTimeout(() => to.destroy(), delayMs));
  from.on("error", () => to.destroy());
}

const server = createServer((socket) => {
  const target = connect(targetPort, "127.0.0.1");
  pass(socket, target);
  pass(target, socket);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
process.on("disconnect", () => process.exitCode === undefined && server.close());
process.send?.({ port: (server.address() as AddressInfo).port });

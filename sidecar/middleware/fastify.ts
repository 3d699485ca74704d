import type { FastifyInstance } from "fastify";

import type { Gate } from "../gate/Gate.ts";
import { serveGated } from "./serveGated.ts";
import type { MiddlewareOptions } from "./serveGated.ts";

export interface FastifyPaidOptions extends MiddlewareOptions {
  readonly gate: Gate;
}

/**
 * The paid door as a plugin of fastify 5: `app.register(fastifyPaid, { gate })`, before routes and before compression. It stands for the
 * whole instance that it is registered with, before bodies are parsed.
 */
export function fastifyPaid(app: FastifyInstance, options: FastifyPaidOptions, done: (error?: Error) => void): void {
  app.addHook("onRequest", (request, reply, next) => {
    serveGated(options.gate, request.raw, reply.raw, () => void next(), options, () => void reply.hijack());
  });
  done();
}

// Not a scope of its own: the routes beside it are what is sold.
Object.assign(fastifyPaid, { [Symbol.for("skip-override")]: true, [Symbol.for("fastify.display-name")]: "agnt2-paid" });

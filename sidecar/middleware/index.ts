export { paid } from "./express.ts";
export type { ConnectMiddleware } from "./express.ts";
export { fastifyPaid } from "./fastify.ts";
export type { FastifyPaidOptions } from "./fastify.ts";
export { wrapHandler, wrapUpgrade } from "./node.ts";
export type { NodeHandler, UpgradeHandler } from "./node.ts";
export type { MiddlewareLog, MiddlewareOptions } from "./serveGated.ts";

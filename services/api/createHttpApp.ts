import express from "express";
import type { ErrorRequestHandler, Express, Request, RequestHandler } from "express";
import { z } from "zod";

import type { Logger } from "../../runtime/logger/Logger.ts";
import type { Metrics } from "../../runtime/metrics/Metrics.ts";
import type { ApiContext } from "./ApiContext.ts";
import { ApiError } from "./ApiError.ts";
import { docsPage } from "./docsPage.ts";
import { createOpenApi } from "./openApi.ts";
import type { RequestShare } from "./RequestShare.ts";
import type { AnyRoute } from "./Route.ts";

export interface HttpAppOptions {
  readonly context: ApiContext;
  readonly routes: readonly AnyRoute[];
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Value of Access-Control-Allow-Origin. */
  readonly corsOrigin: string;
  readonly version: string;
  /** What one address may ask; undefined: as much as it likes. */
  readonly share: RequestShare | undefined;
  /** False while the replica reads what it missed. */
  readonly isReady: () => boolean;
}

/** `/v1/agents/{agent}` is `/v1/agents/:agent` for express. */
export function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

function parse<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => ({ field: issue.path.join(".") || "query", problem: issue.message }));
  throw new ApiError("api/badRequest", { problems });
}

function handlerOf(route: AnyRoute, { context, isReady }: HttpAppOptions): RequestHandler {
  const params = z.strictObject(route.params as z.ZodRawShape);
  const query = z.strictObject(route.query as z.ZodRawShape);
  const needsReplica = route.path !== "/health";
  return async (request, response) => {
    if (needsReplica && !isReady()) throw new ApiError("api/notReady", {});
    response.json((await route.handle(context, parse(params, request.params), parse(query, request.query))) as unknown);
  };
}

/** The HTTP side of the API: every route of the table, and the pages that describe it. */
export function createHttpApp(options: HttpAppOptions): Express {
  const { routes, metrics, logger } = options;
  const app = express();
  app.disable("x-powered-by");
  const latency = metrics.latency("api_request", "Time to answer a request", ["route", "status"]);
  app.use((request, response, next) => {
    response.setHeader("access-control-allow-origin", options.corsOrigin);
    response.setHeader("cache-control", "no-store");
    const startedMs = performance.now();
    response.on("finish", () => {
      const route = (request.route as { path?: string } | undefined)?.path ?? "unknown";
      latency.observe({ route, status: String(response.statusCode) }, (performance.now() - startedMs) / 1000);
    });
    next();
  });
  if (options.share !== undefined) app.use(options.share.handler);
  for (const route of routes) app.get(expressPath(route.path), handlerOf(route, options));
  const openApi = createOpenApi(routes, options.version);
  app.get("/openapi.json", (_request, response) => void response.json(openApi));
  app.get("/docs", (_request, response) => void response.type("html").send(docsPage(routes)));
  app.get("/metrics", (request, response) => metrics.handleRequest(request, response));
  app.use((request: Request) => {
    const { method, path } = request;
    throw new ApiError("api/unknownRoute", { method, path });
  });
  const onError: ErrorRequestHandler = (thrown: unknown, request, response, _next) => {
    const isBadUrl = thrown instanceof URIError;
    if (!(thrown instanceof ApiError) && !isBadUrl) logger.error({ err: thrown, path: request.path }, "A request failed.");
    const badUrl = new ApiError("api/badRequest", { problems: [{ field: "path", problem: "not a valid URL" }] });
    const error = thrown instanceof ApiError ? thrown : isBadUrl ? badUrl : new ApiError("api/internal", {});
    response.status(error.status).json(error.body());
  };
  app.use(onError);
  return app;
}

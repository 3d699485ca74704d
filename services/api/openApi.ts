import { z } from "zod";

import { listApiErrors } from "./ApiError.ts";
import type { ApiErrorCode } from "./ApiError.ts";
import { FEED_EVENTS, FEED_PATH } from "./feed/FeedEvent.ts";
import type { AnyRoute } from "./Route.ts";

type Json = Record<string, unknown>;

/** Refusals that any route may answer with. */
const COMMON_ERRORS: readonly ApiErrorCode[] = ["api/badRequest", "api/tooMany", "api/notReady", "api/internal"];

const TOO_MANY = 429;

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json;
  return json;
}

function parametersOf(place: "path" | "query", shape: Readonly<Record<string, z.ZodType>>): Json[] {
  return Object.entries(shape).map(([name, schema]) => {
    const description = schema.description;
    return {
      name,
      in: place,
      required: place === "path" || !schema.safeParse(undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: schemaOf(schema, "input"),
    };
  });
}

function errorResponses(codes: readonly ApiErrorCode[]): Json {
  const responses: Json = {};
  for (const status of [...new Set(listApiErrors().filter(({ code }) => codes.includes(code)).map((error) => error.status))]) {
    const here = listApiErrors().filter((error) => error.status === status && codes.includes(error.code));
    responses[String(status)] = {
      description: here.map(({ code, what }) => `\`${code}\`: ${what}`).join("; "),
      ...(status === TOO_MANY ? { headers: { "Retry-After": { description: "Seconds to wait", schema: { type: "integer" } } } } : {}),
      content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
    };
  }
  return responses;
}

function operationOf(route: AnyRoute): Json {
  return {
    operationId: route.path.replaceAll(/[{}]/g, "").split("/").filter((part) => part !== "").join("_"),
    tags: [route.tag],
    summary: route.summary,
    parameters: [...parametersOf("path", route.params), ...parametersOf("query", route.query)],
    responses: {
      200: { description: "The answer", content: { "application/json": { schema: schemaOf(route.answer, "output") } } },
      ...errorResponses([...COMMON_ERRORS, ...route.errors]),
    },
  };
}

function textRoute(summary: string, contentType: string): Json {
  return { get: { tags: ["service"], summary, responses: { 200: { description: "The answer", content: { [contentType]: {} } } } } };
}

const errorSchema = z.object({
  error: z.looseObject({ code: z.string(), message: z.string(), todo: z.string() }).describe("`code` is for programs; further fields belong to the code"),
});

/** The OpenAPI 3.1 document, made of the routes that the server serves. */
export function createOpenApi(routes: readonly AnyRoute[], version: string): Json {
  const paths: Json = Object.fromEntries(routes.map((route) => [route.path, { get: operationOf(route) }]));
  paths["/metrics"] = textRoute("Figures for Prometheus", "text/plain");
  paths["/openapi.json"] = textRoute("This document", "application/json");
  paths["/docs"] = textRoute("This document for people", "text/html");
  paths[FEED_PATH] = {
    get: {
      tags: ["feed"],
      summary: "WebSocket: what happens, as it happens",
      description: `JSON messages with a \`type\`: ${FEED_EVENTS.join(", ")}. Those that come from L1 name its \`block\`. A reader that does not keep up is cut off. One that comes back names the last block it has in \`resumeBlock\`: everything from that block on is told again, that block included, before the feed goes on; nothing is left out, and what it has already can be told by its index or claim.`,
      parameters: [
        { name: "types", in: "query", required: false, description: "Only these types, with commas between", schema: { type: "string" } },
        { name: "resumeBlock", in: "query", required: false, description: "L1 block from which on everything is told again", schema: { type: "integer", minimum: 0 } },
        { name: "resumeHash", in: "query", required: false, description: "Hash of that block: when L1 was reorganised meanwhile, a `rollback` comes first", schema: { type: "string" } },
      ],
      responses: { 101: { description: "A WebSocket" }, ...errorResponses(["api/badRequest", "api/tooMany", "api/tooOld", "api/notReady"]) },
    },
  };
  return {
    openapi: "3.1.0",
    info: {
      title: "agnt2 API",
      version,
      description: "State, receipts and proofs of one agnt2 chain, derived from L1 by a replica that trusts no sequencer. Amounts come as whole units, base units and chain units.",
    },
    paths,
    components: { schemas: { Error: schemaOf(errorSchema, "output") } },
  };
}

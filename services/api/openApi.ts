import { z } from "zod";

import { listApiErrors } from "./ApiError.ts";
import type { ApiErrorCode } from "./ApiError.ts";
import { FEED_EVENTS, FEED_PATH } from "./Feed.ts";
import type { AnyRoute } from "./Route.ts";

type Json = Record<string, unknown>;

/** Refusals that any route may answer with. */
const COMMON_ERRORS: readonly ApiErrorCode[] = ["api/badRequest", "api/notReady", "api/internal"];

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
      description: `JSON messages with a \`type\`: ${FEED_EVENTS.join(", ")}. \`?types=batch,claimed\` chooses. A reader that does not keep up is cut off and should read what it missed from the lists.`,
      responses: { 101: { description: "A WebSocket" } },
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

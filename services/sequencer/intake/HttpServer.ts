import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import express from "express";
import type { NextFunction, Request, Response } from "express";

import { toHex, fromHex } from "../../../core/codec/hex.ts";
import { outcomeText } from "../../../core/errors.ts";
import { KIND, MAX_BUNDLE_RECORDS, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import type { State } from "../../../core/state/index.ts";
import { toError } from "../../../runtime/errors/CodedError.ts";
import type { Logger } from "../../../runtime/logger/Logger.ts";
import type { Metrics } from "../../../runtime/metrics/Metrics.ts";
import type { Pipeline } from "../Pipeline.ts";
import type { RootClient } from "../roots/RootClient.ts";
import { INTAKE } from "../Submission.ts";
import type { Client } from "../Submission.ts";
import { viewAgent, viewCall, viewChannel, viewLeaf, viewWorkflow } from "./readViews.ts";
import type { StreamServer } from "./StreamServer.ts";

const MAX_BODY_BYTES = (1 + MAX_BUNDLE_RECORDS) * SLOT_BYTES;
const WAIT_MS = 30_000;
const PROBE_AFTER_MS = 30_000;
/** Proofs under way: they are made by the thread that makes the roots. */
const MAX_PROOFS = 256;
const MAX_ADDRESSES = 10_000;
const LEVELS = ["sequenced", "durable", "rooted"] as const;
type Level = (typeof LEVELS)[number];

const RETRY_CODES: readonly number[] = [INTAKE.BUSY, INTAKE.DISK_FULL, INTAKE.STOPPING, INTAKE.WAITED_TOO_LONG];
const INTAKE_NAMES = new Map<number, string>(Object.entries(INTAKE).map(([name, code]) => [code, `INTAKE_${name}`]));

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly pipeline: Pipeline;
  readonly stream: StreamServer;
  readonly state: State;
  readonly roots: RootClient;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Connections beyond these are closed at once. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** The answer of /v1/config. */
  readonly config: Readonly<Record<string, unknown>>;
  /** False while nothing can be acknowledged: disk full, signer away, or a failure that a restart mends. */
  readonly isWell: () => boolean;
  readonly status: () => Readonly<Record<string, unknown>>;
  /** The last head that was signed, for who compares what operators sign. */
  readonly signedHead: () => { readonly slot: number; readonly position: number; readonly head: Uint8Array; readonly signature: Uint8Array } | undefined;
}

/** An answer that is an error: HTTP status, code, message, what to do. */
class HttpError extends Error {
  readonly status: number;
  readonly code: string;
  readonly todo: string;

  constructor(status: number, code: string, message: string, todo: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.todo = todo;
  }
}

const notFound = (what: string): HttpError => new HttpError(404, "NOT_FOUND", `There is no ${what}.`, "Check its number.");

/** HTTP and WebSocket on one port. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #clients = new Map<string, Client>();
  readonly #connections = new Map<string, number>();
  #proofs = 0;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    // Keep-alive probes find clients that vanished without a word.
    this.#server = createServer({ keepAlive: true, keepAliveInitialDelay: PROBE_AFTER_MS }, this.#createApp());
    this.#server.maxConnections = options.maxConnections;
    this.#server.on("connection", (socket: Socket) => this.#admit(socket));
    options.stream.attach(this.#server);
  }

  /** One host must not take all places. */
  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const open = (this.#connections.get(address) ?? 0) + 1;
    if (open > this.#options.maxConnectionsPerAddress) {
      socket.destroy();
      return;
    }
    this.#connections.set(address, open);
    socket.once("close", () => {
      const left = (this.#connections.get(address) ?? 1) - 1;
      if (left === 0) this.#connections.delete(address);
      else this.#connections.set(address, left);
    });
  }

  /** Resolves with the port. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port, this.#options.host, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#options.stream.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #createApp(): express.Express {
    const { state, roots, config, status, signedHead, metrics } = this.#options;
    const app = express();
    app.disable("x-powered-by");
    app.get("/health", (_request, response) => {
      const isWell = this.#options.isWell();
      response.status(isWell ? 200 : 503).json({ ok: isWell, ...status() });
    });
    app.get("/metrics", (request, response) => void metrics.handleRequest(request, response));
    app.get("/v1/config", (_request, response) => void response.json(config));
    app.get("/v1/status", (_request, response) => void response.json(status()));
    app.get("/v1/head", (_request, response) => {
      const { slot, position, head, signature } = signedHead() ?? raise(notFound("head signed since the start"));
      response.json({ slot, position, head: toHex(head), signature: toHex(signature) });
    });
    app.get("/v1/agents/:id", (request, response) => {
      const { id } = request.params;
      const index = /^0x[0-9a-fA-F]{40}$/.test(id) ? this.#indexOf(id) : numberOf(id);
      const agent = viewAgent(state, index);
      if (agent === null) throw notFound("such account");
      response.json(agent);
    });
    app.get("/v1/calls/:slot", (request, response) => void response.json(viewCall(state, numberOf(request.params.slot)) ?? raise(notFound("call in that slot"))));
    app.get("/v1/workflows/:slot", (request, response) => {
      response.json(viewWorkflow(state, numberOf(request.params.slot)) ?? raise(notFound("workflow in that slot")));
    });
    app.get("/v1/channels/:slot", (request, response) => {
      response.json(viewChannel(state, numberOf(request.params.slot)) ?? raise(notFound("channel in that slot")));
    });
    const provable = (name: "RECEIPT" | "WITHDRAWAL") => async (request: Request, response: Response) => {
      const index = numberOf(String(request.params["index"]));
      if (this.#proofs >= MAX_PROOFS) throw new HttpError(503, "BUSY", "Too many proofs are being made.", "Ask again later.");
      this.#proofs += 1;
      const proven = await roots.prove(KIND[name], index).finally(() => (this.#proofs -= 1));
      if (proven === null || proven.leaf === undefined) throw notFound(`${name.toLowerCase()} ${index} in a hashed batch`);
      const { root, proof, leaf } = proven;
      response.json({ index, ...viewLeaf(name, leaf), leaf: toHex(leaf), proof: toHex(proof), stateRoot: toHex(root) });
    };
    app.get("/v1/receipts/:index", provable("RECEIPT"));
    app.get("/v1/withdrawals/:index", provable("WITHDRAWAL"));
    app.post("/v1/bundles", express.raw({ type: "application/octet-stream", limit: MAX_BODY_BYTES }), express.json({ limit: 3 * MAX_BODY_BYTES }), async (request, response) => {
      response.json(await this.#submit(bundleOf(request.body), levelOf(request.query["wait"]), this.#clientOf(request.socket.remoteAddress ?? "")));
    });
    app.use((_request: Request, _response: Response, next: NextFunction) => next(notFound("such address")));
    app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => this.#answerError(error, response));
    return app;
  }

  #indexOf(address: string): number {
    const bytes = fromHex(address, 20);
    const { directory } = this.#options.state;
    return directory.find(new DataView(bytes.buffer), 0);
  }

  /** What an address has under way over HTTP counts together: each request is a connection of its own. */
  #clientOf(address: string): Client {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    if (this.#clients.size >= MAX_ADDRESSES) for (const [each, { queued }] of this.#clients) if (queued === 0) this.#clients.delete(each);
    const client = { queued: 0 };
    this.#clients.set(address, client);
    return client;
  }

  #submit(bytes: Uint8Array, level: Level, client: Client): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new HttpError(504, "WAITED_TOO_LONG", "The bundle has not come so far in time.", "Send the same bytes again: they run once only.")), WAIT_MS);
      let known: Record<string, unknown> = {};
      const reach = (reached: Level, more: Record<string, unknown>): void => {
        known = { ...known, level: reached, ...more };
        if (LEVELS.indexOf(reached) < LEVELS.indexOf(level)) return;
        clearTimeout(timer);
        resolve(known);
      };
      this.#options.pipeline.submit(bytes, {
        sequenced: () => reach("sequenced", {}),
        parked: () => undefined,
        durable: ({ position, firstReceipt, outcomes, slots, ids }, { previous, head, slot: headSlot, position: headPosition, index, signature, path }) => {
          const results = [...outcomes].map((outcome, i) => ({ outcome, code: outcomeText(outcome)?.name ?? null, slot: slots[i], id: ids[i] }));
          reach("durable", { position, firstReceipt, results, previous: toHex(previous), head: toHex(head), headPosition, headSlot, index, signature: toHex(signature), path: toHex(path) });
        },
        rooted: (rootPosition, stateRoot, signature, batchCount) => reach("rooted", { rootPosition, stateRoot: toHex(stateRoot), rootSignature: toHex(signature), batchCount }),
        rejected: (code, detail) => {
          clearTimeout(timer);
          const name = outcomeText(code)?.name ?? INTAKE_NAMES.get(code) ?? `CODE_${code}`;
          reject(new HttpError(RETRY_CODES.includes(code) ? 503 : 400, name, detail, outcomeText(code)?.todo ?? "Send it again later."));
        },
      }, client);
    });
  }

  #answerError(error: unknown, response: Response): void {
    if (error instanceof HttpError) {
      response.status(error.status).json({ error: { code: error.code, message: error.message, todo: error.todo } });
      return;
    }
    // Errors of the body parsers carry their own status.
    const { status = 500, message } = toError(error) as Error & { status?: number };
    if (status >= 500) this.#options.logger.error({ err: toError(error) }, "a request failed");
    response.status(status).json({ error: { code: status === 413 ? "TOO_LARGE" : status >= 500 ? "INTERNAL" : "BAD_REQUEST", message, todo: "Correct the request." } });
  }
}

function raise(error: Error): never {
  throw error;
}

function numberOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, "BAD_NUMBER", `${text.slice(0, 40)} is no index.`, "Give a whole number or a 0x address.");
  return Number(text);
}

function levelOf(wait: unknown): Level {
  const level = LEVELS.find((each) => each === (wait ?? "durable"));
  if (level === undefined) throw new HttpError(400, "BAD_LEVEL", "wait is sequenced, durable or rooted.", "Correct the request.");
  return level;
}

function bundleOf(body: unknown): Uint8Array {
  if (Buffer.isBuffer(body)) return body;
  const text = (body as { bundle?: unknown } | undefined)?.bundle;
  if (typeof text !== "string" || !/^0x([0-9a-fA-F]{2})+$/.test(text)) {
    throw new HttpError(400, "BAD_BUNDLE", "The body is no bundle.", "Send octets, or JSON with the bundle as hex.");
  }
  return fromHex(text);
}

import type { IncomingMessage, ServerResponse } from "node:http";

import type { AgentCard as LibraryCard } from "@a2a-js/sdk";
import type { ServerCallContext } from "@a2a-js/sdk/server";
import { agentCardHandler, jsonRpcHandler, restHandler } from "@a2a-js/sdk/server/express";
import express from "express";
import type { Request, Response as ExpressResponse } from "express";

import { answerHash, CARD_PATH, DOMAIN_PROOF_PATH, domainProofOf, fromHex, REGISTRATION_PATH, registrationOf, SKILLS_PATH, toHex } from "../../sdk/index.ts";
import type { AgentCard, AgentDescription } from "../../sdk/index.ts";
import type { RequestHead } from "../gate/RequestHead.ts";
import { BoundedTaskStore, TASK_METADATA } from "./BoundedTaskStore.ts";
import type { TaskLimits } from "./BoundedTaskStore.ts";
import { Caller, callerOf } from "./Caller.ts";
import { createUpstreamCall } from "./createUpstreamCall.ts";
import { readPaidExchange } from "./PaidExchange.ts";
import type { PaidExchange } from "./PaidExchange.ts";
import { readJsonBody } from "./readJsonBody.ts";
import { guardStatus } from "./guardStatus.ts";
import { SkillExecutor } from "./SkillExecutor.ts";
import type { CallUpstream } from "./SkillExecutor.ts";
import { SkillRequestHandler } from "./SkillRequestHandler.ts";
import { TaskFile } from "./TaskFile.ts";
import { TASK_TOKEN_HEADER, TaskTokens } from "./taskToken.ts";

export interface A2aOptions {
  readonly description: AgentDescription;
  /** The card that is shown, signed if it can be; what the description makes, when it is left out. */
  readonly card: AgentCard;
  /** Base URL of the service, or what calls it. */
  readonly upstream: string | CallUpstream;
  /** Of a message, as JSON. Default 256 KiB. */
  readonly maxMessageBytes?: number;
  /** Of an answer, in a task. Default 1 MiB. */
  readonly maxAnswerBytes?: number;
  /** For an answer. Default 5 minutes. */
  readonly timeoutMs?: number;
  /** Tasks that run at once. Default 256. */
  readonly maxRunning?: number;
  readonly tasks?: Partial<TaskLimits>;
  /** Where tasks are kept for the next start; default: they end with the process. */
  readonly tasksFile?: string;
  /** What went wrong with the service behind; the client is not told. */
  readonly onError?: (error: unknown) => void;
}

export interface A2aHandlers {
  /** Whether the request is for A2A, and not for the service. */
  handles(head: Pick<RequestHead, "target">): boolean;
  /**
   * Answers a request that the gate has let through.
   * @param paid who has paid; default: what the gate put into the request's headers (`readPaidExchange`). The caller must have removed these
   *   headers where a client sent them.
   */
  serve(req: IncomingMessage, res: ServerResponse, paid?: PaidExchange): void;
  /**
   * Says this from now on: other skills and prices, other seal keys, another signature. Tasks stay, and what runs runs on. Address and chain
   * must be the same.
   */
  replace(description: AgentDescription, card: AgentCard): void;
  /** Tasks that run now. */
  readonly running: number;
  /** Ends what runs. */
  stop(): void;
}

const CARD_SECONDS = 60;
/** Paths of the REST binding that are served, below its base; nothing else of the library's is reachable. */
const REST_PATHS = /^\/(message:(send|stream)|tasks|tasks\/([0-9a-f-]{36}|agnt2:\d{1,16}:\d{1,10}:\d{1,16})(:cancel|:subscribe)?)$/;

function pathOf(target: string): string {
  const end = target.indexOf("?");
  return end === -1 ? target : target.slice(0, end);
}

/** The path with its escapes undone, once; undefined when it cannot be. */
function plainPath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/**
 * A2A 1.0 in front of a service: card, registration file, domain proof, JSON-RPC at `/a2a`, REST at `/a2a/v1`, and both for one skill below
 * `/a2a/skills/<skill>`. Who pays for what is decided before, by the routes of `a2aRoutes`.
 */
export function createA2aHandlers(options: A2aOptions): A2aHandlers {
  const { upstream, maxMessageBytes = 256 * 1024, maxAnswerBytes = 1024 * 1024, timeoutMs = 300_000, maxRunning = 256, tasks, tasksFile, onError = () => undefined } = options;
  let { card, description } = options;
  let documents = documentsOf(description);
  let known = skillIdsOf(description);
  const file = tasksFile === undefined ? undefined : TaskFile.open({ path: tasksFile, onError });
  const store = new BoundedTaskStore(tasks, undefined, file);
  const tokens = new TaskTokens(file?.secret());
  const callers = new WeakMap<IncomingMessage, Caller>();
  const paidBy = new WeakMap<IncomingMessage, PaidExchange>();

  const executor = new SkillExecutor({
    callUpstream: typeof upstream === "string" ? createUpstreamCall(upstream) : upstream,
    timeoutMs,
    maxAnswerBytes,
    onError,
    metadataOf(taskId, { paid, userName }) {
      if (paid === undefined) return {};
      const { payer, way, payment, requestHash, invocation } = paid;
      const named = { ...(payment === "" ? {} : { payment }), ...(requestHash === undefined ? {} : { requestHash }), ...(invocation === undefined ? {} : { invocation }) };
      return { [TASK_METADATA]: { payer, way, ...named, taskToken: tokens.issue(userName, taskId) } };
    },
  });
  const requestHandler = new SkillRequestHandler({
    description: () => description,
    card: card as LibraryCard,
    store,
    executor,
    maxRunning,
    taskIdOf(context: ServerCallContext) {
      const invocation = callerOf(context).paid?.invocation;
      return invocation === undefined ? undefined : `agnt2:${description.chainId}:${invocation.slot}:${invocation.id}`;
    },
  });

  const userBuilder = (req: Request): Promise<Caller> => {
    const caller = callers.get(req);
    return caller === undefined ? Promise.reject(new TypeError("the request has no caller")) : Promise.resolve(caller);
  };
  const jsonRpc = jsonRpcHandler({ requestHandler, userBuilder });
  const rest = restHandler({ requestHandler, userBuilder });

  const admit = (req: Request, res: ExpressResponse, next: () => void): void => {
    const { skill } = req.params;
    if (typeof skill === "string" && !known.has(skill)) return refuse(res, 404, "there is no such skill");
    const caller = new Caller({ paid: paidBy.get(req), endpointSkill: typeof skill === "string" ? skill : undefined, grant: tokens.read(req.headers[TASK_TOKEN_HEADER]) });
    callers.set(req, caller);
    guardStatus(res, caller, (status) => {
      const { paid, taskId } = caller;
      if (paid?.requestHash === undefined || taskId === undefined) return;
      const contentType = String(res.getHeader("content-type") ?? "");
      // These routes are paid with the head of their answer: its hash is that of nothing after it (docs/SIDECAR.md section 2).
      store.setAnswerHash(taskId, toHex(answerHash({ requestHash: fromHex(paid.requestHash, 32), status, contentType })));
    });
    next();
  };
  const onlyKnownPaths = (req: Request, res: ExpressResponse, next: () => void): void => {
    const path = plainPath(req.path);
    if (path === undefined || !REST_PATHS.test(path)) return refuse(res, 404, "there is nothing here");
    next();
  };
  const document = (name: keyof typeof documents) => (_req: Request, res: ExpressResponse): void => {
    res.setHeader("cache-control", `public, max-age=${CARD_SECONDS}`);
    res.status(200).type("application/json").send(documents[name]);
  };

  const app = express();
  app.disable("x-powered-by");
  app.set("case sensitive routing", true);
  app.set("strict routing", true);
  app.use(CARD_PATH, agentCardHandler({ agentCardProvider: () => Promise.resolve(card as LibraryCard), cache: { maxAge: CARD_SECONDS } }));
  app.get(REGISTRATION_PATH, document("registration"));
  app.get(DOMAIN_PROOF_PATH, document("proof"));
  const body = readJsonBody(maxMessageBytes);
  for (const base of [`${SKILLS_PATH}/:skill`, "/a2a"]) {
    app.use(`${base}/v1`, onlyKnownPaths, admit, body, rest);
    app.post(base, admit, body, (req, res, next) => {
      req.url = "/";
      jsonRpc(req, res, next);
    });
  }
  app.use((_req, res) => refuse(res, 404, "there is nothing here"));
  // Four parameters: that is how express knows what handles errors.
  app.use((error: unknown, _req: Request, res: ExpressResponse, _next: () => void) => {
    onError(error);
    if (res.headersSent) res.destroy();
    else refuse(res, 500, "this could not be answered");
  });

  return {
    handles({ target }) {
      const path = pathOf(target);
      return path === "/a2a" || path.startsWith("/a2a/") || path === CARD_PATH || path === REGISTRATION_PATH || path === DOMAIN_PROOF_PATH;
    },
    serve(req, res, paid = readPaidExchange(req.headers)) {
      if (paid !== undefined) paidBy.set(req, paid);
      app(req, res);
    },
    replace(nextDescription, nextCard) {
      [description, card] = [nextDescription, nextCard];
      documents = documentsOf(description);
      known = skillIdsOf(description);
    },
    get running() {
      return executor.running;
    },
    stop() {
      executor.stop();
      file?.close();
    },
  };
}

function documentsOf(description: AgentDescription) {
  return { registration: registrationOf(description), proof: domainProofOf(description) };
}

function skillIdsOf({ skills }: AgentDescription): ReadonlySet<string> {
  return new Set(skills.map(({ id }) => id));
}

function refuse(res: ExpressResponse, status: number, message: string): void {
  res.status(status).json({ error: { code: status, message } });
}

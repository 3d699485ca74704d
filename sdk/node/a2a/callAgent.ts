import type { RemoteSkill } from "../../a2a/readCard.ts";
import { sealedFetch } from "../../sealed/sealedFetch.ts";
import type { FetchLike } from "../../sealed/sealedFetch.ts";
import { sdkError } from "../../SdkError.ts";
import { discoverAgent } from "./discoverAgent.ts";
import type { RemoteAgent } from "./discoverAgent.ts";
import type { DiscoveryOptions } from "./DiscoveryOptions.ts";

/** What an agent is asked. */
export interface AgentRequest {
  /** Id of its skill; may be left out where it has one. */
  readonly skill?: string;
  /** Sent as JSON, unless it is text or bytes. */
  readonly body?: unknown;
  /** Default: by the body. */
  readonly contentType?: string;
  /** Appended to the skill's path, for skills without a body. */
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Seals the body to the agent's key, and opens its answer. Default: whenever the agent takes sealed bodies and the request has one. */
  readonly seal?: boolean;
  readonly signal?: AbortSignal;
}

export interface CallAgentOptions extends DiscoveryOptions {
  /** Pays what is asked: a buyer of the sidecar, or any x402 client. A sealed body is bound to its address, where that is given. */
  readonly buyer: { readonly fetch: FetchLike; readonly payer?: string | undefined };
}

export interface AgentAnswer {
  readonly response: Response;
  readonly agent: RemoteAgent;
  readonly skill: RemoteSkill;
  readonly isSealed: boolean;
}

function skillOf({ skills, name }: RemoteAgent, wanted: string | undefined): RemoteSkill {
  const found = wanted === undefined && skills.length === 1 ? skills[0] : skills.find(({ id }) => id === wanted);
  if (found === undefined) throw sdkError("SDK_INPUT", `${name} has the skills ${skills.map(({ id }) => id).join(", ")}: name one of them`);
  return found;
}

function bodyOf({ body, contentType }: AgentRequest): { readonly body: string | Uint8Array<ArrayBuffer>; readonly type: string } {
  if (body instanceof Uint8Array) return { body: new Uint8Array(body), type: contentType ?? "application/octet-stream" };
  if (typeof body === "string") return { body, type: contentType ?? "text/plain; charset=utf-8" };
  return { body: JSON.stringify(body), type: contentType ?? "application/json" };
}

/**
 * From an agent's id, URL or discovery to its paid answer in one call: finds and checks it (`discoverAgent`), asks its skill, pays by the
 * buyer, seals where both can.
 * @throws SdkError `SDK_REMOTE_AGENT`, `SDK_SEALED`, `SDK_INPUT`; what the buyer throws
 */
export async function callAgent(agent: bigint | number | string | RemoteAgent, request: AgentRequest, options: CallAgentOptions): Promise<AgentAnswer> {
  const remote = typeof agent === "object" ? agent : await discoverAgent(agent, options);
  const skill = skillOf(remote, request.skill);
  const query = request.query === undefined ? "" : `?${new URLSearchParams(request.query).toString()}`;
  const url = `${remote.baseUrl}${skill.path}${query}`;
  const { fetch: pay, payer } = options.buyer;
  const { headers = {}, signal } = request;
  const common = { method: skill.method, ...(signal === undefined ? {} : { signal }) };
  if (request.body === undefined || skill.method === "GET") {
    if (request.seal === true) throw sdkError("SDK_INPUT", "only a request with a body can be sealed");
    return { response: await pay(url, { ...common, headers: { ...headers } }), agent: remote, skill, isSealed: false };
  }
  const { body, type } = bodyOf(request);
  const isSealed = request.seal ?? (remote.encryptionKey !== undefined && !skill.isStream);
  if (isSealed) return { response: await sealedFetch(pay, remote, url, { ...common, headers, contentType: type, body, payer }), agent: remote, skill, isSealed };
  return { response: await pay(url, { ...common, headers: { ...headers, "content-type": type }, body }), agent: remote, skill, isSealed };
}

import { RequestMalformedError, UnsupportedOperationError, ContentTypeNotSupportedError } from "@a2a-js/sdk/errors";
import type { Message, Part, SendMessageRequest } from "@a2a-js/sdk";

import type { AgentDescription, AgentSkill } from "../../sdk/index.ts";
import type { Caller } from "./Caller.ts";

/** A request to the service, made of a message. */
export interface PreparedCall {
  readonly skill: AgentSkill;
  /** Path and query. */
  readonly target: string;
  readonly contentType: string | undefined;
  readonly body: Uint8Array | undefined;
}

const MAX_PARTS = 32;
const MAX_QUERY = 2_048;

/** The skill that the endpoint is for, else the one that the message or the request names, else the only one. */
function skillOf({ skills }: AgentDescription, caller: Caller, request: SendMessageRequest, message: Message): AgentSkill {
  const named: unknown = message.metadata?.["skill"] ?? request.metadata?.["skill"];
  const wanted = caller.endpointSkill ?? named ?? (skills.length === 1 ? skills[0]?.id : undefined);
  if (wanted === undefined) throw new RequestMalformedError("several skills are offered: name one in metadata.skill");
  if (named !== undefined && named !== wanted) throw new RequestMalformedError("this endpoint is for another skill than metadata.skill names");
  const skill = skills.find(({ id }) => id === wanted);
  if (skill === undefined) throw new RequestMalformedError("there is no such skill");
  return skill;
}

function takes({ inputModes }: AgentSkill, type: string): void {
  const [bare = ""] = type.toLowerCase().split(";");
  if (!inputModes.includes(bare.trim())) throw new ContentTypeNotSupportedError(`the skill takes ${inputModes.join(", ")}`);
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Media types go into a header: letters of one only. */
function mediaTypeOf({ mediaType }: Part, missing: string): string {
  if (mediaType === "") return missing;
  if (!/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w.-]+)*$/.test(mediaType) || mediaType.length > 128) throw new ContentTypeNotSupportedError("a part's media type cannot be read");
  return mediaType;
}

/** Text where the skill wants JSON is JSON that somebody has written out. */
function textType(skill: AgentSkill, part: Part): string {
  return mediaTypeOf(part, skill.inputModes.includes("text/plain") ? "text/plain; charset=utf-8" : (skill.inputModes[0] ?? "text/plain"));
}

/** One part is the body as it is; several must be text, and are joined by line feeds. */
function bodyOf(skill: AgentSkill, parts: readonly Part[]): { readonly type: string; readonly body: Uint8Array } {
  const [part] = parts;
  if (part === undefined || parts.length > MAX_PARTS) throw new RequestMalformedError(`a message has 1 to ${MAX_PARTS} parts`);
  const texts = parts.map(({ content }) => (content?.$case === "text" ? content.value : undefined));
  if (!texts.includes(undefined)) return { type: textType(skill, part), body: utf8(texts.join("\n")) };
  if (parts.length > 1) throw new ContentTypeNotSupportedError("several parts can be text only");
  const { content } = part;
  if (content?.$case === "data") return { type: mediaTypeOf(part, "application/json"), body: utf8(JSON.stringify(content.value ?? null)) };
  if (content?.$case === "raw") return { type: mediaTypeOf(part, "application/octet-stream"), body: content.value };
  throw new ContentTypeNotSupportedError("a part is text, data or raw bytes; URLs are not fetched");
}

/** A skill without a body takes the plain fields of a data part as its query. */
function queryOf(parts: readonly Part[]): string {
  const query = new URLSearchParams();
  for (const { content } of parts) {
    if (content?.$case !== "data" || typeof content.value !== "object" || content.value === null) continue;
    for (const [name, value] of Object.entries(content.value as Record<string, unknown>)) {
      if (!["string", "number", "boolean"].includes(typeof value)) throw new RequestMalformedError("a query has text, numbers and booleans only");
      query.append(name, String(value));
    }
  }
  const text = query.toString();
  if (text.length > MAX_QUERY) throw new RequestMalformedError("the query is too long");
  return text === "" ? "" : `?${text}`;
}

/**
 * What the service is asked for by a message.
 * @throws A2AError of the protocol, before anything has run
 */
export function prepareCall(description: AgentDescription, caller: Caller, request: SendMessageRequest): PreparedCall {
  const { message } = request;
  if (message === undefined) throw new RequestMalformedError("message is required");
  if (request.tenant !== "") throw new UnsupportedOperationError("there are no tenants here");
  const skill = skillOf(description, caller, request, message);
  // The price table keeps unpaid requests away; this is for a table that does not.
  if (skill.prices.length > 0 && caller.paid === undefined) throw new UnsupportedOperationError("this skill is paid");
  if (skill.method === "GET" || skill.method === "DELETE") return { skill, target: `${skill.path}${queryOf(message.parts)}`, contentType: undefined, body: undefined };
  const { type, body } = bodyOf(skill, message.parts);
  takes(skill, type);
  return { skill, target: skill.path, contentType: type, body };
}

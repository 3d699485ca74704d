import { beginFields, hashFields, putRaw, requireLength } from "./fields.ts";
import { TICKET_BYTES } from "./ticket.ts";

/**
 * What the chain and a channel see of a paid request: who does not have the ticket can neither tell which request it is nor collect its
 * answer. @throws SdkError `SDK_INPUT`
 */
export function callHash(requestHash: Uint8Array, ticket: Uint8Array): Uint8Array {
  requireLength(requestHash, 32, "a request hash");
  requireLength(ticket, TICKET_BYTES, "a ticket");
  beginFields("agnt2/call/1");
  putRaw(requestHash);
  putRaw(ticket);
  return hashFields();
}

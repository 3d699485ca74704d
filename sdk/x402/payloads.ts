import { z } from "zod";

import { sdkError } from "../SdkError.ts";
import { decodeTicket, encodeTicket } from "./ticket.ts";

/** Name of the x402 scheme for calls of Layer Core. */
export const CALL_SCHEME = "agnt2-call";
/** Name of the x402 scheme for calls on a channel. */
export const CHANNEL_SCHEME = "agnt2-channel";
/** Name of the header that is all of a payment by channel: the ticket. */
export const TICKET_HEADER = "Agnt2-Call";

const ticketText = z.string().refine((text) => decodeTicket(text) !== undefined, "22 characters of base64url");

/** `payload` of a payment with `agnt2-call`. */
export const callPayloadSchema = z.strictObject({
  slot: z.int().min(0).max(0xffff_ffff),
  id: z.int().min(1),
  ticket: ticketText,
});

/** `payload` of a payment with `agnt2-channel`. */
export const channelPayloadSchema = z.strictObject({
  channelId: z.string().regex(/^0x[0-9a-f]{64}$/),
  sequence: z.int().min(1),
  ticket: ticketText,
});

export interface CallPayment {
  readonly slot: number;
  readonly id: number;
  /** 16 bytes. */
  readonly ticket: Uint8Array;
}

export interface ChannelPayment {
  /** 0x and 64 digits, lower case. */
  readonly channelId: string;
  readonly sequence: number;
  /** 16 bytes. */
  readonly ticket: Uint8Array;
}

function read<T extends { readonly ticket: string }>(schema: z.ZodType<T>, payload: unknown): Omit<T, "ticket"> & { ticket: Uint8Array } {
  const { success, data, error } = schema.safeParse(payload);
  if (!success) throw sdkError("SDK_PAYMENT", error.issues.map(({ path, message }) => `${path.join(".") || "payload"}: ${message}`).join("; "));
  return { ...data, ticket: decodeTicket(data.ticket)! };
}

/** @throws SdkError `SDK_PAYMENT` */
export function readCallPayload(payload: unknown): CallPayment {
  return read(callPayloadSchema, payload);
}

/** @throws SdkError `SDK_PAYMENT` */
export function readChannelPayload(payload: unknown): ChannelPayment {
  return read(channelPayloadSchema, payload);
}

/** `payload` as it goes over the wire. */
export function writePayload<T extends CallPayment | ChannelPayment>(payment: T): Omit<T, "ticket"> & { ticket: string } {
  return { ...payment, ticket: encodeTicket(payment.ticket) };
}

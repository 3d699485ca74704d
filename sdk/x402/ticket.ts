/** A ticket: what the buyer makes up for each exchange and shows to the seller alone. */
export const TICKET_BYTES = 16;
/** In base64url. */
export const TICKET_CHARS = 22;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i += 1) VALUES[ALPHABET.charCodeAt(i)] = i;

export function createTicket(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(TICKET_BYTES));
}

/** 22 characters of base64url, as in the header Agnt2-Call. */
export function encodeTicket(ticket: Uint8Array): string {
  let text = "";
  for (let i = 0; i < 15; i += 3) {
    const bits = (ticket[i]! << 16) | (ticket[i + 1]! << 8) | ticket[i + 2]!;
    text += ALPHABET[bits >>> 18]! + ALPHABET[(bits >>> 12) & 63]! + ALPHABET[(bits >>> 6) & 63]! + ALPHABET[bits & 63]!;
  }
  const last = ticket[15]!;
  return text + ALPHABET[last >>> 2]! + ALPHABET[(last & 3) << 4]!;
}

/** Undefined for text that is no ticket; each ticket has one text. */
export function decodeTicket(text: string): Uint8Array | undefined {
  if (text.length !== TICKET_CHARS) return undefined;
  const ticket = new Uint8Array(TICKET_BYTES);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let i = 0; i < TICKET_CHARS; i += 1) {
    const value = VALUES[text.charCodeAt(i)] ?? -1;
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    ticket[at++] = (bits >>> held) & 255;
  }
  return (bits & 15) === 0 ? ticket : undefined;
}

/** What is longer costs more to turn into text than a second piece costs to write. */
const MAX_TEXT_BYTES = 8_192;

/**
 * A small body as text of latin1, which is the same bytes: Node sends text in one piece with the headers and bytes as a second one, and that
 * costs a third of a small answer.
 * @returns undefined for a large one
 */
export function asText(body: Uint8Array): string | undefined {
  return body.length > MAX_TEXT_BYTES ? undefined : Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
}

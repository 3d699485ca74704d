/** What is longer costs more to turn into text than a second piece costs to write. */
const MAX_TEXT_BYTES = 8_192;

/**
 * What `end` takes to send a body. A small one goes as text of latin1, which is the same bytes: Node sends text in one piece with the headers
 * and bytes as a second one, and that costs a third of a small answer.
 */
export function inOnePiece(body: Uint8Array): [body: string | Uint8Array, encoding: BufferEncoding] {
  return body.length > MAX_TEXT_BYTES ? [body, "utf8"] : [Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"), "latin1"];
}

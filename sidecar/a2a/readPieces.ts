/** Server-sent events of a text, one after the other; what is not ended yet is kept for the next piece. */
export class EventPieces {
  #rest = "";

  /** Data of the events that end in this piece. */
  push(text: string): string[] {
    const blocks = `${this.#rest}${text}`.split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => this.#dataOf(block));
  }

  /** What is left when the stream has ended. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = "";
    return this.#dataOf(rest);
  }

  #dataOf(block: string): string[] {
    const lines = block.split(/\r?\n/).flatMap((line) => (line.startsWith("data:") ? [line.slice(5).replace(/^ /, "")] : []));
    return lines.length === 0 ? [] : [lines.join("\n")];
  }
}

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Header by which the holder of a token sees the task that it was made for, without paying again. */
export const TASK_TOKEN_HEADER = "a2a-task-token";

/** Makes and reads tokens; they are good for as long as the secret is the same. */
export class TaskTokens {
  readonly #secret: Uint8Array;

  /** @param secret default: this process's own */
  constructor(secret: Uint8Array = randomBytes(32)) {
    this.#secret = secret;
  }

  #mac(text: string): Buffer {
    return createHmac("sha256", this.#secret).update(text).digest();
  }

  issue(owner: string, taskId: string): string {
    const text = Buffer.from(JSON.stringify([owner, taskId])).toString("base64url");
    return `${text}.${this.#mac(text).toString("base64url")}`;
  }

  read(token: unknown): { readonly owner: string; readonly taskId: string } | undefined {
    if (typeof token !== "string" || token.length > 512) return undefined;
    const [text = "", mac = ""] = token.split(".");
    const given = Buffer.from(mac, "base64url");
    const wanted = this.#mac(text);
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined;
    const [owner, taskId] = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as [string, string];
    return { owner, taskId };
  }
}

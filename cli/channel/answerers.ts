import { spawn } from "node:child_process";

import { inheritedEnvironment } from "../config.ts";

/** Answers a paid request. A status other than 0 costs the caller nothing. */
export type Answerer = (request: Uint8Array) => Promise<{ readonly status: number; readonly response: Uint8Array }>;

const FAILED = 1;
const MAX_RESPONSE_BYTES = 1 << 20;
const text = (message: string): Uint8Array => new TextEncoder().encode(message);

/**
 * Runs a shell command for each request: the request on its stdin, the response from its stdout. It fails with another exit code than 0,
 * after `timeoutMs`, or with more output than a response may have.
 */
export function answerWithCommand(command: string, timeoutMs: number): Answerer {
  return (request) =>
    new Promise((resolve) => {
      const child = spawn("/bin/sh", ["-c", command], { stdio: ["pipe", "pipe", "ignore"], env: inheritedEnvironment(), detached: true });
      const chunks: Buffer[] = [];
      let [size, why] = [0, ""];
      // The shell's own children end with it.
      const stop = (reason: string): void => {
        why = reason;
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      };
      const timer = setTimeout(() => stop("it took too long"), timeoutMs);
      child.stdout.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_RESPONSE_BYTES) stop("its output is too long");
        else chunks.push(chunk);
      });
      // A command may answer without reading its input.
      child.stdin.on("error", () => child.stdin.destroy());
      child.stdin.end(request);
      const end = (failure: string): void => {
        clearTimeout(timer);
        resolve(failure === "" ? { status: 0, response: new Uint8Array(Buffer.concat(chunks)) } : { status: FAILED, response: text(failure) });
      };
      child.on("error", (error) => end(error.message));
      child.on("close", (code) => end(why !== "" ? why : code === 0 ? "" : `it ended with ${code}`));
    });
}

/** Posts each request to a HTTP service; its body is the response. Anything but 2xx is a failed call. */
export function answerFromUpstream(url: string, timeoutMs: number): Answerer {
  return async (request) => {
    try {
      const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: Buffer.from(request), signal: AbortSignal.timeout(timeoutMs) });
      const response = new Uint8Array(await answer.arrayBuffer());
      if (response.length > MAX_RESPONSE_BYTES) return { status: FAILED, response: text("the answer is too long") };
      return { status: answer.ok ? 0 : FAILED, response };
    } catch (error) {
      return { status: FAILED, response: text(error instanceof Error ? error.message : String(error)) };
    }
  };
}

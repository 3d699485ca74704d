const WAIT_MS = Number(process.env["WAIT_MS"] ?? 60_000);
const POLL_MS = 20;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something is so. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean, waitMs = WAIT_MS): Promise<void> {
  for (const end = Date.now() + waitMs; !(await isSo()); await pause(POLL_MS)) {
    if (Date.now() > end) throw new Error(`it never came to: ${what} (${waitMs / 1000} s)`);
  }
}

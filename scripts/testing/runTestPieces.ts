import { nextPiece } from "./testGroup.ts";
import type { TestPiece } from "./testGroup.ts";

/** Runs every piece once, side by side as far as the cores go. */
export async function runTestPieces(pieces: readonly TestPiece[], cores: number, run: (piece: TestPiece) => Promise<void>): Promise<void> {
  const waiting = [...pieces];
  const running = new Map<TestPiece, Promise<void>>();
  for (;;) {
    for (let piece = nextPiece(waiting, [...running.keys()], cores); piece !== undefined; piece = nextPiece(waiting, [...running.keys()], cores)) {
      const started = piece;
      waiting.splice(waiting.indexOf(started), 1);
      running.set(started, run(started).finally(() => running.delete(started)));
    }
    if (running.size === 0) return;
    await Promise.race(running.values());
  }
}

import { checkVector } from "../builders/vectors/checkVector.ts";
import { loadVectors } from "../builders/vectors/loadVectors.ts";
import { wrongInboxData } from "./inboxData.ts";

// A child process of `npm run mutate`: says which frozen vector the altered rules break first. A crash is a difference as well.
function firstBroken(): string | null {
  for (const [name, file] of loadVectors()) {
    for (const vector of file.cases) {
      try {
        checkVector(file, vector);
      } catch (error) {
        const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
        return `${name}: ${vector.name}: ${reason}`;
      }
    }
  }
  return wrongInboxData();
}

process.stdout.write(`${JSON.stringify({ difference: firstBroken() })}\n`);

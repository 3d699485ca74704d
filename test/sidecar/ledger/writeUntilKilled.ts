/** Sells and sells, and prints what the ledger said is on disk, until it is killed: `node writeUntilKilled.ts <folder> <first number>`. */
import { createLedger } from "../../../sidecar/ledger/createLedger.ts";
import { answerOf, claimOf, PAID } from "./claims.ts";

const [dir, first] = process.argv.slice(2) as [string, string];
const ledger = createLedger(dir, { minFreeBytes: 0, keepTotalBytes: 200_000, keepSeconds: 0 });

async function sellOn(from: number): Promise<never> {
  for (let number = from; ; number += 8) {
    const key = `exact:${number}`;
    await ledger.claim(claimOf(key, { expiresAt: 2 ** 40 }));
    process.stdout.write(`claimed ${key}\n`);
    if (number % 5 === 0) {
      await ledger.released(key, "released");
      process.stdout.write(`released ${key}\n`);
      continue;
    }
    await ledger.answered(key, answerOf(key.repeat(200)));
    process.stdout.write(`answered ${key}\n`);
    if (number % 7 === 0) continue;
    await ledger.settled(key, PAID);
    process.stdout.write(`settled ${key}\n`);
  }
}

await Promise.all(Array.from({ length: 8 }, (_, index) => sellOn(Number(first) + index)));

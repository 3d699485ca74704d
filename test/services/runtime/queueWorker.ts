/** Takes wake-ups of queue `jobs` in a process of its own, says which, and never finishes them: it is there to be killed. */
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createQueueBackend } from "../../../runtime/queue/createQueueBackend.ts";

const [dataFolder, url] = process.argv.slice(2) as [string, string | undefined];
const backend = await createQueueBackend({ url, dataFolder, logger: silentLogger });
await backend.queue("jobs").process(
  async ({ id }) => {
    process.stdout.write(`${id}\n`);
    await new Promise(() => undefined);
  },
  { concurrency: 2, lockMs: 2000 },
);

/** The thread that waits for the ledger's disk, so that nobody else does. One answer to each message, in their order. */
import { parentPort, workerData } from "node:worker_threads";

import { LedgerFile } from "./LedgerFile.ts";
import type { LedgerFileOptions } from "./LedgerFile.ts";
import type { WriterMessage } from "./WriterThread.ts";

const file = new LedgerFile(workerData as LedgerFileOptions);

parentPort!.on("message", (message: WriterMessage) => {
  switch (message.kind) {
    case "write":
      return parentPort!.postMessage(file.write(message.changes));
    case "forget":
      return parentPort!.postMessage(file.forget(message.before, message.most));
    case "close":
      file.close();
      parentPort!.postMessage(undefined);
      return parentPort!.close();
  }
});

import { parentPort, workerData } from "node:worker_threads";

import { keccak256 } from "../../../core/hash/index.ts";

parentPort?.postMessage(keccak256(workerData as Uint8Array));

import { parentPort } from "node:worker_threads";

import { keccak256 } from "../../../core/hash/index.ts";
import { recoverPublicKey } from "../../../runtime/crypto/secp.ts";

const JOB_BYTES = 96;
const ADDRESS_BYTES = 20;

// Jobs are digest (32) ‖ signature (64), answers 20 bytes each, zero for a signature that recovers nothing.
parentPort?.on("message", (jobs: Uint8Array) => {
  const count = jobs.length / JOB_BYTES;
  const out = new Uint8Array(count * ADDRESS_BYTES);
  for (let i = 0; i < count; i += 1) {
    const at = i * JOB_BYTES;
    const key = recoverPublicKey(jobs.subarray(at, at + 32), jobs.subarray(at + 32, at + JOB_BYTES));
    if (key !== null) out.set(keccak256(key).subarray(12), i * ADDRESS_BYTES);
  }
  parentPort?.postMessage(out, [out.buffer]);
});

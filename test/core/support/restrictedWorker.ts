/** Reports the backend that is chosen when this thread's WebAssembly is taken away or crippled, and one hash. */
import { parentPort, workerData } from "node:worker_threads";

interface WasmGlobal {
  WebAssembly?: { validate(bytes: Uint8Array): boolean; Module: unknown };
}
const scope = globalThis as unknown as WasmGlobal;

if (workerData === "absent") delete scope.WebAssembly;
if (workerData === "forbidden" && scope.WebAssembly !== undefined) {
  scope.WebAssembly.Module = class {
    constructor() {
      throw new Error("the policy of this page forbids it");
    }
  };
}
if (workerData === "without SIMD" && scope.WebAssembly !== undefined) {
  const { validate } = scope.WebAssembly;
  // 0xfd is the prefix of every SIMD instruction; the scalar module happens to hold no such byte.
  scope.WebAssembly.validate = (bytes) => !bytes.includes(0xfd) && validate(bytes);
}

const { hashNode, keccak256, keccakBackend } = await import("../../../core/hash/index.ts");
const node = new Uint8Array(32);
hashNode(new Uint8Array(128).fill(5), 0, 1, node, 0);
parentPort?.postMessage({ backend: keccakBackend(), hash: keccak256(Uint8Array.of(1)), node });

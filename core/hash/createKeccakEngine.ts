import { createJsEngine } from "./createJsEngine.ts";
import { createWasmEngine, isWasmBackendSupported } from "./createWasmEngine.ts";
import type { KeccakBackend, KeccakEngine } from "./KeccakEngine.ts";

/**
 * An engine with a memory of its own: the named backend (throws where it cannot run), or the fastest one that this
 * JavaScript engine supports. Synchronous; usable in any thread.
 */
export function createKeccakEngine(backend: KeccakBackend = keccakBackend()): KeccakEngine {
  return backend === "js" ? createJsEngine() : createWasmEngine(backend);
}

let chosen: KeccakBackend | undefined;

/** The backend that this thread uses. */
export function keccakBackend(): KeccakBackend {
  chosen ??= isUsable("wasm-simd") ? "wasm-simd" : isUsable("wasm") ? "wasm" : "js";
  return chosen;
}

function isUsable(backend: "wasm-simd" | "wasm"): boolean {
  if (!isWasmBackendSupported(backend)) return false;
  try {
    createWasmEngine(backend);
    return true;
  } catch {
    // Valid code that may not be compiled here: a page whose content security policy forbids WebAssembly.
    return false;
  }
}

import { KECCAK_WASM_SCALAR, KECCAK_WASM_SIMD } from "./generated/keccakWasm.ts";
import type { KeccakEngine } from "./KeccakEngine.ts";
import { webAssembly } from "./webAssemblyApi.ts";
import type { WebAssemblyMemory, WebAssemblyModule } from "./webAssemblyApi.ts";

type EngineLoops = Pick<
  KeccakEngine,
  "keccak256Many" | "hashOne" | "hashMany" | "hashLeaves" | "markRange" | "hashMarked" | "absorbSlots" | "absorbSlotsPair"
>;

/** What assembly/index.ts exports. */
interface KeccakExports extends EngineLoops {
  readonly memory: WebAssemblyMemory;
  heapBase(): number;
  begin(): void;
  absorb(source: number, blocks: number): void;
  finish(source: number, length: number, target: number): void;
  keccak256(source: number, length: number, target: number): void;
}

export type WasmBackend = "wasm-simd" | "wasm";

const PAGE_BYTES = 65_536;
const RATE_BYTES = 136;
/** Messages pass through the last bytes below the caller's heap, this many at a time. */
const MESSAGE_BYTES = RATE_BYTES * 240;

const modules = new Map<WasmBackend, WebAssemblyModule>();

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function bytesOf(backend: WasmBackend): Uint8Array<ArrayBuffer> {
  return decodeBase64(backend === "wasm-simd" ? KECCAK_WASM_SIMD : KECCAK_WASM_SCALAR);
}

/** Whether this JavaScript engine accepts the module of `backend`. */
export function isWasmBackendSupported(backend: WasmBackend): boolean {
  return webAssembly?.validate(bytesOf(backend)) ?? false;
}

/** An instance with its own memory. Compiles once a thread. Throws what WebAssembly throws where it is not allowed. */
export function createWasmEngine(backend: WasmBackend): KeccakEngine {
  const wasm = instantiate(backend);
  const messageBase = wasm.heapBase();
  const digestBase = messageBase + MESSAGE_BYTES;
  const heapBase = digestBase + 32;
  let memory = new Uint8Array(wasm.memory.buffer);

  function ensureBytes(bytes: number): void {
    if (bytes <= memory.length) return;
    wasm.memory.grow(Math.ceil((bytes - memory.length) / PAGE_BYTES));
    memory = new Uint8Array(wasm.memory.buffer);
  }

  function digest(message: Uint8Array, out: Uint8Array, outOffset: number): void {
    const { length } = message;
    if (length <= MESSAGE_BYTES) {
      memory.set(message, messageBase);
      wasm.keccak256(messageBase, length, digestBase);
    } else {
      wasm.begin();
      let at = 0;
      for (; length - at >= MESSAGE_BYTES; at += MESSAGE_BYTES) {
        memory.set(message.subarray(at, at + MESSAGE_BYTES), messageBase);
        wasm.absorb(messageBase, MESSAGE_BYTES / RATE_BYTES);
      }
      memory.set(message.subarray(at), messageBase);
      const blocks = Math.floor((length - at) / RATE_BYTES);
      wasm.absorb(messageBase, blocks);
      wasm.finish(messageBase + blocks * RATE_BYTES, length - at - blocks * RATE_BYTES, digestBase);
    }
    for (let i = 0; i < 32; i++) out[outOffset + i] = memory[digestBase + i];
  }

  ensureBytes(heapBase);
  return {
    backend,
    heapBase,
    get memory() {
      return memory;
    },
    ensureBytes,
    digest,
    keccak256Many: wasm.keccak256Many,
    hashOne: wasm.hashOne,
    hashMany: wasm.hashMany,
    hashLeaves: wasm.hashLeaves,
    markRange: wasm.markRange,
    hashMarked: wasm.hashMarked,
    absorbSlots: wasm.absorbSlots,
    absorbSlotsPair: wasm.absorbSlotsPair,
  };
}

function instantiate(backend: WasmBackend): KeccakExports {
  if (webAssembly === undefined) throw new Error("this JavaScript engine has no WebAssembly");
  const { Module, Instance } = webAssembly;
  const module = modules.get(backend) ?? new Module(bytesOf(backend));
  modules.set(backend, module);
  return new Instance(module).exports as KeccakExports;
}

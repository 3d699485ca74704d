import { keccak256 } from "../../core/hash/index.ts";
import { sdkError } from "../SdkError.ts";

let scratch = new Uint8Array(4096);
let length = 0;

function makeRoom(bytes: number): void {
  if (length + bytes <= scratch.length) return;
  const grown = new Uint8Array(2 * (length + bytes));
  grown.set(scratch.subarray(0, length));
  scratch = grown;
}

function putLength(bytes: number): void {
  makeRoom(4 + bytes);
  scratch[length] = bytes >>> 24;
  scratch[length + 1] = bytes >>> 16;
  scratch[length + 2] = bytes >>> 8;
  scratch[length + 3] = bytes;
  length += 4;
}

/** A preimage of docs/SIDECAR.md section 2 is begun; it is ended by `hashFields`, with nothing awaited in between. */
export function beginFields(name: string): void {
  length = 0;
  putText(name);
}

/** field(x): length, then a byte for each character, as on the wire. @throws SdkError `SDK_INPUT` for a character that is no byte */
export function putText(text: string): void {
  putLength(text.length);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 255) throw sdkError("SDK_INPUT", `"${text.slice(0, 80)}" is not what HTTP carries: escape it`);
    scratch[length + i] = code;
  }
  length += text.length;
}

/** field(x) of bytes. */
export function putBytes(bytes: Uint8Array): void {
  putLength(bytes.length);
  putRaw(bytes);
}

/** Bytes of a fixed length stand without it. */
export function putRaw(bytes: Uint8Array): void {
  makeRoom(bytes.length);
  scratch.set(bytes, length);
  length += bytes.length;
}

export function hashFields(): Uint8Array {
  return keccak256(scratch.subarray(0, length));
}

/** @throws SdkError `SDK_INPUT` */
export function requireLength(bytes: Uint8Array, wanted: number, what: string): void {
  if (bytes.length !== wanted) throw sdkError("SDK_INPUT", `${what} has ${wanted} bytes, not ${bytes.length}`);
}

import { hashText } from "../../core/codec/bundle.ts";
import { setU64 } from "../../core/codec/integers.ts";
import { keccak256 } from "../../core/hash/index.ts";
import { readTowerState, writeTowerState } from "./towerJson.ts";
import { TowerStateError } from "./TowerStateError.ts";
import type { TowerState } from "./TowerState.ts";

const IV_BYTES = 12;
const keyTag = hashText("agnt2 tower key");

/** Version as a word behind the id. */
function seedOf(channelId: Uint8Array, version: number): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set(channelId);
  setU64(new DataView(bytes.buffer), 56, version);
  return bytes;
}

/** Where the answer to a close that records `version` is kept: 16 bytes. */
export function locatorOf(channelId: Uint8Array, version: number): Uint8Array {
  return keccak256(seedOf(channelId, version)).slice(0, 16);
}

async function keyOf(channelId: Uint8Array, version: number): ReturnType<typeof crypto.subtle.importKey> {
  const bytes = new Uint8Array(96);
  bytes.set(keyTag);
  bytes.set(seedOf(channelId, version), 32);
  return await crypto.subtle.importKey("raw", keccak256(bytes).slice(), "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** Encrypts a state as the answer to a close that records `version` of its channel (AES-256-GCM, random nonce in front). */
export async function sealState(state: TowerState, channelId: Uint8Array, version: number): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const text = new TextEncoder().encode(JSON.stringify(writeTowerState(state)));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(channelId, version), text));
  const body = new Uint8Array(IV_BYTES + sealed.length);
  body.set(iv);
  body.set(sealed, IV_BYTES);
  return body;
}

/** @throws TowerStateError `tower/sealed`, `tower/body` */
export async function openSealed(body: Uint8Array, channelId: Uint8Array, version: number): Promise<TowerState> {
  const key = await keyOf(channelId, version);
  let text: ArrayBuffer;
  try {
    text = await crypto.subtle.decrypt({ name: "AES-GCM", iv: body.slice(0, IV_BYTES) }, key, body.slice(IV_BYTES));
  } catch (error) {
    throw new TowerStateError("tower/sealed", "The body does not open with the key of this close.", { cause: error });
  }
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(text));
  } catch (error) {
    throw new TowerStateError("tower/body", "What was sealed is no JSON.", { cause: error });
  }
  return readTowerState(json);
}

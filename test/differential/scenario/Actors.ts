import { computeAddress, getBytes, keccak256, SigningKey, toUtf8Bytes } from "ethers";
import { fromHex } from "../../../core/codec/hex.ts";

/** A key of the test cast; keys follow from a name, so that a failing case can be replayed. */
export interface Actor {
  readonly name: string;
  readonly key: SigningKey;
  /** 20 bytes. */
  readonly address: Uint8Array;
}

/** The actor with the key `keccak256("agnt2 test " + name)`. */
export function createActor(name: string): Actor {
  const key = new SigningKey(keccak256(toUtf8Bytes(`agnt2 test ${name}`)));
  return { name, key, address: fromHex(computeAddress(key.publicKey).toLowerCase()) };
}

/** r ‖ vs of EIP-2098 over a 32-byte digest. */
export function signCompact(actor: Actor, digest: Uint8Array): Uint8Array {
  return getBytes(actor.key.sign(digest).compactSerialized);
}

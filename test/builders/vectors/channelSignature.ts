import { AbiCoder, getBytes, hexlify, keccak256, TypedDataEncoder, ZeroAddress, ZeroHash } from "ethers";

import { encodeRecord } from "../../../core/codec/index.ts";
import { CHANNEL_EIP712 } from "../../../core/generated/protocol.ts";
import { createActor, signCompact } from "../../differential/scenario/Actors.ts";
import { TEST_ADJUDICATOR } from "../TestRollup.ts";
import type { VectorChannel, VectorSignature, VectorValue } from "./Vector.ts";

const addressOf = (name: string): string => (name.startsWith("0x") ? name : hexlify(createActor(name).address));

/** CH-1, as plainly as it is written there. */
export function idOfVectorChannel([a, b, windowSeconds, id]: VectorChannel): string {
  const types = ["uint8", "address", "address", "address", "uint64", "uint32", "uint8", "uint64"];
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [1, addressOf(a), addressOf(b), ZeroAddress, 0, windowSeconds, 0, id]));
}

function plain(type: string, value: VectorValue | undefined): string | bigint {
  if (type === "address") return value === undefined ? ZeroAddress : addressOf(String(value));
  if (type !== "bytes32") return BigInt(typeof value === "object" ? 0 : (value ?? 0));
  const repeated = /^([0-9a-f]{2})x32$/.exec(String(value));
  return repeated === null ? ZeroHash : `0x${(repeated[1] ?? "").repeat(32)}`;
}

/** The SIGNATURE record of what the actor signs: the digest is that of ethers. */
export function signatureSlot({ sign, by, channel, values = {}, chainId = 31337, adjudicator = TEST_ADJUDICATOR }: VectorSignature): Uint8Array {
  const type = CHANNEL_EIP712[sign as keyof typeof CHANNEL_EIP712];
  const fields = type.slice(type.indexOf("(") + 1, -1).split(",").map((field) => {
    const [fieldType, name] = field.split(" ") as [string, string];
    return { type: fieldType, name };
  });
  const message = Object.fromEntries(fields.map((field) => [field.name, field.name === "channelId" ? idOfVectorChannel(channel) : plain(field.type, values[field.name])]));
  const { name, version } = CHANNEL_EIP712;
  const digest = TypedDataEncoder.hash({ name, version, chainId, verifyingContract: adjudicator }, { [sign]: fields }, message);
  const signature = signCompact(createActor(by), getBytes(digest));
  return encodeRecord("SIGNATURE", { signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) });
}

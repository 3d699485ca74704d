import { AbiCoder, Interface, ParamType } from "ethers";
import type { EventFragment, InterfaceAbi } from "ethers";

import { cleanText } from "../../../../chain/agents/cleanText.ts";
import { fromHex } from "../../../../core/codec/hex.ts";
import type { EventValue } from "./EconomyEvent.ts";

const coder = AbiCoder.defaultAbiCoder();

/** Strings have the encoding of bytes, but need not be UTF-8: whoever wrote them is a stranger. */
function asBytes(type: string): string {
  return type.replaceAll(/\bstring\b/g, "bytes");
}

function toValue(type: ParamType, value: unknown): EventValue {
  if (type.arrayChildren !== null) return Array.from(value as Iterable<unknown>, (item) => toValue(type.arrayChildren as ParamType, item));
  if (type.components !== null) {
    const items = Array.from(value as Iterable<unknown>);
    return Object.fromEntries(type.components.map((component, place) => [component.name, toValue(component, items[place])]));
  }
  if (type.baseType === "string") return cleanText(new TextDecoder().decode(fromHex(String(value))));
  if (typeof value === "bigint" || typeof value === "boolean") return value;
  return String(value).toLowerCase();
}

/** Decodes the events of a contract, whatever strangers have put into them. */
export interface EventDecoder {
  readonly topics: readonly string[];
  /** Undefined for an event that is not known. */
  decode(topics: readonly string[], data: string): { name: string; args: Record<string, EventValue> } | undefined;
}

/** @param names events that are wanted */
export function createEventDecoder(abi: InterfaceAbi, names: readonly string[]): EventDecoder {
  const contract = new Interface(abi);
  const fragments = new Map<string, EventFragment>();
  for (const name of names) {
    const fragment = contract.getEvent(name);
    if (fragment === null) throw new Error(`the contract has no event ${name}`);
    fragments.set(fragment.topicHash, fragment);
  }
  return {
    topics: [...fragments.keys()],
    decode(topics, data) {
      const fragment = fragments.get(topics[0] ?? "");
      if (fragment === undefined) return undefined;
      const plain = fragment.inputs.filter(({ indexed }) => indexed !== true);
      const decoded = coder.decode(plain.map((type) => ParamType.from(asBytes(type.format("full")).replaceAll(" indexed", ""))), data);
      const args: Record<string, EventValue> = {};
      let topic = 1;
      let place = 0;
      for (const input of fragment.inputs) {
        if (input.indexed !== true) args[input.name] = toValue(input, decoded[place++]);
        else {
          const word = topics[topic++] ?? "0x";
          // Of dynamic types the topic has but the hash.
          const isHashed = input.baseType === "string" || input.baseType === "bytes" || input.baseType === "array" || input.baseType === "tuple";
          args[input.name] = isHashed ? word : toValue(input, coder.decode([input.type], word)[0]);
        }
      }
      return { name: fragment.name, args };
    },
  };
}

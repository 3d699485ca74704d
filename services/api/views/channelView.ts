import { z } from "zod";

import { channelIdOf, HOME } from "../../../core/channel/index.ts";
import { decodeLeaf, toHex } from "../../../core/codec/index.ts";
import { AGENT, CHANNEL_FLAG, KIND } from "../../../core/generated/protocol.ts";
import type { ApiContext } from "../ApiContext.ts";
import { address, amount, count, hash, seconds } from "../schemas.ts";
import { bytes, integer, nameOf } from "./names.ts";
import type { LeafFields } from "./names.ts";

const sideSchema = z.object({
  agent: count.describe("Account index"),
  owner: address,
  deposit: amount,
  paid: amount.describe("All that it has paid to the other side, as far as it is recorded"),
  key: z.object({ address, expiry: seconds, cap: amount }).nullable().describe("The key that was granted last"),
});

export const channelSchema = z
  .object({
    slot: count,
    id: count,
    channelId: hash.describe("What the sides sign for"),
    status: z.enum(["OPEN", "CLOSING"]),
    windowSeconds: count,
    deadline: seconds.nullable().describe("When CLOSING: from then on it can be closed for good"),
    isExtended: z.boolean().describe("The deadline was moved by a late answer"),
    version: count.describe("Of the base that is recorded; 0: none"),
    a: sideSchema,
    b: sideSchema,
  })
  .describe("A channel between two agents; what they did off the chain since is not known here");

export type ChannelView = z.output<typeof channelSchema>;

function sideView({ amounts, replica }: ApiContext, fields: LeafFields, side: "A" | "B"): ChannelView["a"] {
  const agent = integer(fields, side === "A" ? "a" : "b");
  const key = bytes(fields, `key${side}`);
  const hasKey = !/^0x0+$/.test(key);
  return {
    agent,
    owner: toHex(replica.current.state.leaf(KIND.AGENT, agent).subarray(AGENT.owner, AGENT.owner + 20)),
    deposit: amounts.ofUnits(integer(fields, `deposit${side}`)),
    paid: amounts.ofUnits(integer(fields, `paidBy${side}`)),
    key: hasKey ? { address: key, expiry: integer(fields, `expiry${side}`), cap: amounts.ofUnits(integer(fields, `cap${side}`)) } : null,
  };
}

export function channelView(context: ApiContext, slot: number, leaf: Uint8Array): ChannelView | undefined {
  const fields = decodeLeaf("CHANNEL", leaf);
  const id = integer(fields, "id");
  if (id === 0) return undefined;
  const { state } = context.replica.current;
  const ownerOf = (agent: number): Uint8Array => state.leaf(KIND.AGENT, agent).subarray(AGENT.owner, AGENT.owner + 20);
  const windowSeconds = integer(fields, "window");
  const status = nameOf("channelStatus", integer(fields, "status")) as ChannelView["status"];
  const channelId = channelIdOf({
    home: HOME.CORE, partyA: ownerOf(integer(fields, "a")), partyB: ownerOf(integer(fields, "b")), asset: new Uint8Array(20), unit: 0, windowSeconds, flags: 0, salt: id,
  });
  return {
    slot,
    id,
    channelId: toHex(channelId),
    status,
    windowSeconds,
    deadline: status === "CLOSING" ? integer(fields, "deadline") : null,
    isExtended: (integer(fields, "flags") & CHANNEL_FLAG.EXTENDED) !== 0,
    version: integer(fields, "version"),
    a: sideView(context, fields, "A"),
    b: sideView(context, fields, "B"),
  };
}

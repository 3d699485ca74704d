import { z } from "zod";

import { decodeLeaf } from "../../../core/codec/index.ts";
import { KIND } from "../../../core/generated/protocol.ts";
import type { ApiContext } from "../ApiContext.ts";
import { address, amount, count, hash, seconds } from "../schemas.ts";
import { bytes, integer } from "./names.ts";

export const agentSchema = z
  .object({
    index: count.describe("Number of the account, as records name it"),
    owner: address,
    balance: amount,
    nonce: count.describe("The next bundle's nonce"),
    sessionKey: z.object({ address, expiry: seconds, cap: amount }).nullable(),
    erc8004Id: count.nullable().describe("ERC-8004 agent id that L1 tied to the account"),
    calls: z.object({ made: count, served: count, failed: count, disputed: count }),
    earned: amount,
    rating: z.object({ count, average: z.number().nullable() }),
    capabilitiesHash: hash.nullable(),
    pricesHash: hash.nullable(),
  })
  .describe("An agent's account");

const NO_HASH = `0x${"0".repeat(64)}`;
const NO_ADDRESS = `0x${"0".repeat(40)}`;

/** The account with that index, which must exist. */
export function agentView({ replica, amounts }: ApiContext, index: number): z.output<typeof agentSchema> {
  const { state } = replica.current;
  const agent = decodeLeaf("AGENT", state.leaf(KIND.AGENT, index));
  const directory = decodeLeaf("DIRECTORY", state.leaf(KIND.DIRECTORY, index));
  const sessionKey = bytes(agent, "sessionKey");
  const linkedId = integer(agent, "linkedId");
  const ratings = integer(agent, "ratingCount");
  const hashOrNull = (name: string): string | null => (bytes(directory, name) === NO_HASH ? null : bytes(directory, name));
  return {
    index,
    owner: bytes(agent, "owner"),
    balance: amounts.ofUnits(integer(agent, "balance")),
    nonce: integer(agent, "nonce"),
    sessionKey:
      sessionKey === NO_ADDRESS
        ? null
        : { address: sessionKey, expiry: integer(agent, "sessionExpiry"), cap: amounts.ofUnits(integer(agent, "sessionCap")) },
    erc8004Id: linkedId === 0 ? null : linkedId - 1,
    calls: { made: integer(agent, "made"), served: integer(agent, "served"), failed: integer(agent, "failed"), disputed: integer(agent, "disputed") },
    earned: amounts.ofUnits(integer(agent, "earned")),
    rating: { count: ratings, average: ratings === 0 ? null : integer(agent, "ratingSum") / ratings },
    capabilitiesHash: hashOrNull("capabilitiesHash"),
    pricesHash: hashOrNull("pricesHash"),
  };
}

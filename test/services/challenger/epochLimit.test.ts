import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";

import type { RootContracts } from "../../../chain/connectContracts.ts";
import { claimIdOf } from "../../../chain/claimIds.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { DEFAULT_MAX_EPOCHS } from "../../../services/challenger/createChallenger.ts";
import { decide } from "../../../services/challenger/decide/decide.ts";
import { DEFAULT_POLICY } from "../../../services/challenger/decide/DisputePolicy.ts";
import type { DisputeSources } from "../../../services/challenger/read/DisputeSources.ts";
import { MoveBook } from "../../../services/challenger/read/MoveBook.ts";
import { readDisputes } from "../../../services/challenger/read/readDisputes.ts";
import { STORY_RULES } from "../../builders/disputeStory.ts";

const EPOCHS = 120;
const LIE_AT = 100;
const INBOX = `0x${"01".repeat(20)}`;
const OTHER = `0x${"02".repeat(20)}`;
const GENESIS = `0x${"00".repeat(32)}`;
const rootAfter = (batches: number): Uint8Array => new Uint8Array(32).fill(batches);

/** A chain of unconfirmed true claims of an operator, which lies about one epoch, alone. */
function lateLie(maxEpochs: number): DisputeSources {
  const parents = [GENESIS];
  for (let epoch = 0; epoch < LIE_AT; epoch += 1) {
    parents.push(claimIdOf({ chainId: 1, inbox: INBOX }, parents[epoch]!, 1, epoch, toHex(rootAfter(epoch + 1))));
  }
  const rounds = new Map(parents.map((parent) => [parent, { number: 1n, openedAt: 0n, liveClaims: 1n, claimCount: 1n, entryCount: 1n }]));
  const made = new Set(parents.slice(1));
  const settlement = {
    latestConfirmed: () => Promise.resolve([GENESIS, 0n, toHex(rootAfter(0))]),
    rounds: (parent: string) => Promise.resolve(rounds.get(parent)),
    claims: (claimId: string) => Promise.resolve({ claimedAt: made.has(claimId) ? 1n : 0n }),
    entries: () => Promise.resolve({ backer: OTHER, mover: OTHER, enteredAt: 0n, isDead: false, claimId: "0x", bondWei: 1n }),
  };
  const game = { openings: () => Promise.resolve({ openedAt: 0n, move: GENESIS }) };
  const inbox = { epochAccumulator: () => Promise.resolve(GENESIS) };
  const answers: Record<string, unknown> = { eth_getBlockByNumber: { timestamp: "0x5", baseFeePerGas: "0x1" }, eth_getBalance: "0xffffffff" };
  const provider = { send: (method: string) => Promise.resolve(answers[method]) } as unknown as JsonRpcApiProvider;
  const at = { blockNumber: 1, logIndex: 0 };
  return {
    provider, contracts: { settlement, game, inbox } as unknown as Pick<RootContracts, "inbox" | "settlement" | "game">,
    chainId: 1, inboxAddress: INBOX, firstBlock: 0, address: `0x${"03".repeat(20)}`, playFor: new Set(), moves: new MoveBook(provider, INBOX), maxEpochs,
    replica: {
      view: { epochs: Array.from({ length: EPOCHS }, (_, epoch) => ({ epoch, batchEnd: epoch + 1, steps: 1, at }) as unknown as DisputeSources["replica"]["view"]["epochs"][number]), claims: new Map(), claimEvents: [] },
      rootAt: rootAfter,
    },
  };
}

describe("challenger: number of epochs", () => {
  const turn = async (maxEpochs: number): Promise<string[]> => {
    const state = await readDisputes(lateLie(maxEpochs), STORY_RULES, { number: 1, hash: GENESIS, parentHash: GENESIS, timestamp: 5 });
    return decide(state, DEFAULT_POLICY).map((action) => (action.type === "alarm" ? action.alarm.code : "epoch" in action ? `${action.type} ${action.epoch}` : action.type));
  };

  it("lie a hundred unconfirmed epochs on: is contested in its own window, while an earlier dispute holds up all confirmation", async () => {
    expect(await turn(DEFAULT_MAX_EPOCHS)).to.deep.equal([`claim ${LIE_AT}`]);
  });

  it("more epochs than the limit: are not left out without a word", async () => {
    expect(await turn(64)).to.deep.equal(["challenger/epoch-limit"]);
  });
});

import type { State } from "../../../core/state/index.ts";
import { addToField, getField, setField } from "../../builders/editLeaf.ts";
import { AGENT, ACTORS, ENTRY } from "../../builders/marketEpoch.ts";
import { lieAt, stepOf } from "./MarketLie.ts";
import type { MarketLie } from "./MarketLie.ts";

const toNumber = (address: Uint8Array): bigint => BigInt(`0x${Buffer.from(address).toString("hex")}`);

/** Moves units from one account to another, or, without the one, out of nothing. */
function move(state: State, to: number, units: bigint, from?: number): void {
  if (from !== undefined) addToField(state, "AGENT", from, "balance", -units);
  addToField(state, "AGENT", to, "balance", units);
}

/** The operation is executed, then its outcome is changed. */
function after(about: string, what: string, change: (state: State) => void, label = about): MarketLie {
  return {
    about, what,
    tell: (market) =>
      lieAt(market, stepOf(market.steps.exec, label), ({ state, step }) => {
        step();
        change(state);
      }),
  };
}

function afterEntry(about: string, entry: number, what: string, change: (state: State) => void): MarketLie {
  return {
    about, what,
    tell: (market) =>
      lieAt(market, stepOf(market.steps.entry, entry), ({ state, step }) => {
        step();
        change(state);
      }),
  };
}

const lastWithdrawal = (state: State): number => Number(getField(state, "MACHINE", 0, "withdrawalCount")) - 1;

/** A false outcome of every kind of operation. */
export const valueLies: readonly MarketLie[] = [
  after("OPEN_ACCOUNT", "opens an account with more than was paid for it", (state) => move(state, Number(getField(state, "MACHINE", 0, "agentCount")), 10_000n)),
  after("TRANSFER", "credits a transfer twice", (state) => move(state, AGENT.bob, 1_000n)),
  after("INVOKE", "leaves the caller the price of its call", (state) => move(state, AGENT.ada, 150n)),
  after("RESPOND", "pays an answer to its own account", (state) => move(state, AGENT.mallory, 130n, AGENT.bob)),
  after("ACCEPT", "turns a good rating into none", (state) => addToField(state, "AGENT", AGENT.bob, "ratingSum", -5n)),
  after("REJECT", "pays the provider although its answer was refused", (state) => move(state, AGENT.bob, 110n, AGENT.ada)),
  after("TIMEOUT", "keeps the refund of a call that nobody answered", (state) => move(state, AGENT.mallory, 120n, AGENT.ada)),
  after("WORKFLOW_OPEN", "puts more in escrow than was paid", (state) => addToField(state, "WORKFLOW", 2, "escrow", 5_000n)),
  after("COMPOSE", "keeps what is left of a workflow's escrow", (state) => move(state, AGENT.mallory, 700n, AGENT.ada)),
  after("CLAIM", "pays a workflow's step twice", (state) => move(state, AGENT.cy, 310n)),
  after("WITHDRAW", "sends a withdrawal to another address", (state) => setField(state, "WITHDRAWAL", lastWithdrawal(state), "recipient", toNumber(ACTORS.mallory.address))),
  after("SET_SESSION_KEY", "puts its own key in the place of the owner's", (state) => setField(state, "AGENT", AGENT.ada, "sessionKey", toNumber(ACTORS.mallory.address))),
  after("ADVERTISE", "advertises other prices", (state) => setField(state, "DIRECTORY", AGENT.ada, "pricesHash", 1n)),
  after("SESSION_CLOSE", "keeps a closed session's requester in its place", (state) => setField(state, "SESSION", 0, "requester", BigInt(AGENT.ada))),
  after("CHANNEL_OPEN", "opens a channel with more than was paid for it", (state) => addToField(state, "CHANNEL", 4, "depositA", 50_000n)),
  after("CHANNEL_FUND", "counts a deposit for the other side", (state) => {
    addToField(state, "CHANNEL", 0, "depositA", -50n);
    addToField(state, "CHANNEL", 0, "depositB", 50n);
  }),
  after("CHANNEL_GRANT", "makes its own key a side's", (state) => setField(state, "CHANNEL", 0, "keyA", toNumber(ACTORS.mallory.address))),
  after("CHANNEL_UPDATE", "records a version that nobody signed", (state) => setField(state, "CHANNEL", 0, "version", 9n)),
  after("CHANNEL_UPDATE", "takes one side's approval for an agreement", (state) => setField(state, "CHANNEL", 0, "version", 1n), "CHANNEL_UPDATE approved"),
  after("CHANNEL_UPDATE", "keeps the totals before what both agreed on", (state) => setField(state, "CHANNEL", 0, "paidByA", 250n), "CHANNEL_UPDATE agreed"),
  after("CHANNEL_CHALLENGE", "leaves the other side no time to answer", (state) => setField(state, "CHANNEL", 0, "deadline", 1n)),
  after("CHANNEL_CLOSE", "pays a channel out to itself", (state) => move(state, AGENT.mallory, 300n, AGENT.dee)),
  after("CHANNEL_CLOSE", "leaves a channel that was paid out in its place", (state) => setField(state, "CHANNEL", 1, "id", 2n), "CHANNEL_CLOSE final"),
  after("CHANNEL_EXPORT", "hands a channel's money to another than the adjudicator", (state) => setField(state, "WITHDRAWAL", lastWithdrawal(state), "recipient", toNumber(ACTORS.mallory.address))),
  after("CHANNEL_EXPORT", "hands over a channel with other totals", (state) => addToField(state, "WITHDRAWAL", lastWithdrawal(state), "contextHash", 1n)),
  after("SIGNATURE", "carries another signature", (state) => addToField(state, "REGISTER", 0, "signatureR", 1n)),
  afterEntry("DEPOSIT", ENTRY.deposit + 1, "opens the account of a deposit with another owner", (state) => setField(state, "AGENT", Number(getField(state, "MACHINE", 0, "agentCount")), "owner", toNumber(ACTORS.mallory.address))),
  afterEntry("LINK_AGENT", ENTRY.link, "links an agent with another identity", (state) => addToField(state, "AGENT", AGENT.bob, "linkedId", 1n)),
  after("FORCED", "pays a forced withdrawal to another address", (state) => setField(state, "WITHDRAWAL", lastWithdrawal(state), "recipient", toNumber(ACTORS.mallory.address)), "forced 1"),
  afterEntry("FORCED", ENTRY.forced, "calls another the sender of a forced entry", (state) => setField(state, "MACHINE", 0, "forcedSender", toNumber(ACTORS.mallory.address))),
  afterEntry("SWEEP_FEES", ENTRY.sweep, "sweeps more fees than were paid", (state) => addToField(state, "WITHDRAWAL", lastWithdrawal(state), "amount", 1_000_000n)),
];

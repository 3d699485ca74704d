import { hexlify } from "ethers";

import type { ChannelDomain } from "../../core/channel/index.ts";
import { encodeRecord } from "../../core/codec/index.ts";
import type { RecordInput, RecordName } from "../../core/codec/index.ts";
import { INVOCATION, INVOKE_FLAG, KIND, LEAF_BYTES, OP, RESPONSE, WORKFLOW } from "../../core/generated/protocol.ts";
import type { State } from "../../core/state/index.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import type { Actor } from "../differential/scenario/Actors.ts";
import { joinBytes, TestRollup } from "./TestRollup.ts";
import type { EntryFields } from "./TestRollup.ts";

/** The cast: agents 1 to 4. */
export const ALICE = createActor("alice");
export const BOB = createActor("bob");
export const CAROL = createActor("carol");
export const DAVE = createActor("dave");
const CAST = [ALICE, BOB, CAROL, DAVE];
const AGENT_OF = new Map(CAST.map((actor, index) => [actor, index + 1]));
export const FUNDS = 100_000;
/** Units that every record costs. */
export const FEE = 2;

const HASH = new Uint8Array(32).fill(0xaa);
const DAY = 86_400;

/** The L1 that the story is told to as well. */
export interface StoryChain {
  readonly domainSeparator: Uint8Array;
  readonly channels: ChannelDomain;
  /** A batch's time. */
  now(): Promise<number>;
  /** A deposit from `sender` to `account`. */
  deposit(account: string, units: number): Promise<EntryFields>;
  /** A batch that consumes the whole queue. */
  submit(l2Time: number, data: Uint8Array): Promise<void>;
}

/** What the story leaves: a state with money in every place that a state has. */
export interface ExitStory {
  readonly rollup: TestRollup;
  /** By what the story says of them, the slots of calls and workflows. */
  readonly calls: Readonly<Record<"open" | "inSession" | "reviewed" | "lostOpen" | "lostAnswered" | "wonUnsettled" | "wonSettled" | "failed", number>>;
  readonly workflows: Readonly<Record<"losing" | "won" | "settled" | "refunded" | "empty", number>>;
  /** WITHDRAWAL indices: carol's, which is paid, alice's, which is not. */
  readonly withdrawals: { readonly paid: number; readonly unpaid: number };
}

function newest(state: State, kind: typeof KIND.INVOCATION | typeof KIND.WORKFLOW): { slot: number; id: number } {
  const store = state.store(kind);
  const found = { slot: 0, id: 0 };
  for (let slot = 0; slot < store.count; slot += 1) {
    const id = store.u64(slot * LEAF_BYTES + (kind === KIND.INVOCATION ? INVOCATION.id : WORKFLOW.id));
    if (id > found.id) Object.assign(found, { slot, id });
  }
  return found;
}

/** Plays the story on the machine and on L1, batch by batch. */
export async function playExitStory(chain: StoryChain): Promise<ExitStory> {
  const rollup = new TestRollup({ fee: FEE, domainSeparator: chain.domainSeparator, channels: chain.channels });
  for (const { address } of CAST) rollup.enqueue(await chain.deposit(hexlify(address), FUNDS));
  let time = await chain.now();
  const end = time + DAY;
  const submit = async (data: Uint8Array): Promise<void> => {
    rollup.submit(time, data);
    const failed = rollup.run().find(({ outcome }) => outcome !== 0);
    if (failed !== undefined) throw new Error(`the story has a step with outcome ${failed.outcome}`);
    await chain.submit(time, data);
  };
  await submit(new Uint8Array());
  // One bundle a batch: references are read from the state that the last one left.
  const act = async <N extends RecordName>(signer: Actor, op: N, fields: RecordInput<N>): Promise<void> => {
    time = Math.max(time, await chain.now());
    await submit(joinBytes([rollup.bundle({ agent: AGENT_OF.get(signer)!, signer, records: [encodeRecord(op, fields)] })]));
  };
  const invoke = async (signer: Actor, provider: Actor, price: number, more: Partial<RecordInput<"INVOKE">> = {}) => {
    const fields = { provider: AGENT_OF.get(provider)!, price, deadline: end, capability: 7, inputHash: HASH, ...more };
    await act(signer, "INVOKE", fields as RecordInput<"INVOKE">);
    return newest(rollup.state, KIND.INVOCATION);
  };
  const respond = (signer: Actor, call: { slot: number; id: number }, status: number = RESPONSE.SUCCESS) =>
    act(signer, "RESPOND", { status, ...call, outputHash: HASH });
  const workflow = async (expected: number, escrow: number) => {
    await act(CAROL, "WORKFLOW_OPEN", { expected, escrow, deadline: end });
    return newest(rollup.state, KIND.WORKFLOW);
  };
  const step = ({ slot, id }: { slot: number; id: number }, provider: Actor, price: number) =>
    invoke(CAROL, provider, price, { flags: INVOKE_FLAG.WORKFLOW, workflowSlot: slot, workflowId: id });

  // A call that was paid long ago: its slot is free, and used again.
  await respond(BOB, await invoke(ALICE, BOB, 500));
  const open = await invoke(ALICE, BOB, 1_000);
  const reviewed = await invoke(ALICE, BOB, 2_000, { flags: INVOKE_FLAG.REVIEW, reviewWindow: DAY });
  await respond(BOB, reviewed);
  const inSession = await invoke(ALICE, DAVE, 77, { flags: INVOKE_FLAG.SESSION });

  const losing = await workflow(3, 5_000);
  const lostOpen = await step(losing, BOB, 300);
  const lostAnswered = await step(losing, DAVE, 400);
  await respond(DAVE, lostAnswered);
  const won = await workflow(1, 3_000);
  const wonUnsettled = await step(won, BOB, 600);
  await respond(BOB, wonUnsettled);
  const settled = await workflow(2, 2_000);
  const [claimed, wonSettled] = [await step(settled, BOB, 700), await step(settled, DAVE, 800)];
  await respond(BOB, claimed);
  await respond(DAVE, wonSettled);
  await act(ALICE, "COMPOSE", settled);
  await act(BOB, "CLAIM", claimed);
  const refunded = await workflow(1, 1_500);
  const failed = await step(refunded, DAVE, 900);
  await respond(DAVE, failed, RESPONSE.FAILURE);
  await act(CAROL, "COMPOSE", refunded);
  const empty = await workflow(1, 4_000);

  await act(CAROL, "WITHDRAW", { recipient: CAROL.address, amount: 5_000 });
  await act(ALICE, "WITHDRAW", { recipient: ALICE.address, amount: 6_000 });
  return {
    rollup,
    calls: {
      open: open.slot, inSession: inSession.slot, reviewed: reviewed.slot, lostOpen: lostOpen.slot, lostAnswered: lostAnswered.slot,
      wonUnsettled: wonUnsettled.slot, wonSettled: wonSettled.slot, failed: failed.slot,
    },
    workflows: { losing: losing.slot, won: won.slot, settled: settled.slot, refunded: refunded.slot, empty: empty.slot },
    withdrawals: { paid: 0, unpaid: 1 },
  };
}

/** The DEPOSIT entry as the machine takes it, from the event of the Inbox. */
export function depositEntry(event: { sender: string; account: string; value: bigint; dueTime: bigint }, fromHex: (text: string) => Uint8Array): EntryFields {
  const { sender, account, value, dueTime } = event;
  return { kind: OP.DEPOSIT, sender: fromHex(sender), account: fromHex(account), value: Number(value), dueTime: Number(dueTime) };
}

import { encodeRecord } from "../../../core/codec/record.ts";
import { INVOCATION_STATUS, INVOKE_FLAG, MAX_REVIEW_SECONDS } from "../../../core/generated/protocol.ts";
import { amountFor, deadlineFor, otherAgent, partyOr, preferring, referenceTo, someAgent } from "./Aim.ts";
import type { Aim, Generator, Planned } from "./Aim.ts";
import { channelGenerators } from "./generateChannel.ts";

const openAccount: Generator = (aim) => {
  const agent = someAgent(aim);
  const owner = aim.random.chance(0.08) ? new Uint8Array(20) : aim.random.chance(0.8) ? aim.random.pick(aim.cast).address : aim.random.bytes(20);
  return { agent, slot: encodeRecord("OPEN_ACCOUNT", { owner, amount: aim.random.chance(0.5) ? 0 : amountFor(aim, agent) }) };
};

const transfer: Generator = (aim) => {
  const agent = someAgent(aim);
  return { agent, slot: encodeRecord("TRANSFER", { to: otherAgent(aim, agent), amount: amountFor(aim, agent) }) };
};

const invoke: Generator = (aim) => {
  const { random, view } = aim;
  let agent = someAgent(aim);
  let flags = 0;
  let deadline = deadlineFor(aim);
  let price = amountFor(aim, agent);
  let provider = otherAgent(aim, agent);
  const calls = view.invocations();
  const fields: Record<string, number | bigint | Uint8Array> = { capability: random.u32(), inputHash: random.bytes(32) };
  const kind = random.below(10);
  const workflows = view.workflows();
  if (kind < 5 && (workflows.length > 0 || random.chance(0.1))) {
    const roomy = workflows.filter((w) => w.fields["status"] === 1 && (w.fields["added"] as number) < (w.fields["expected"] as number));
    const workflow = referenceTo(aim, preferring(aim, roomy.filter((w) => (w.fields["deadline"] as number) >= aim.l2Time), workflows));
    flags |= INVOKE_FLAG.WORKFLOW;
    fields["workflowSlot"] = workflow.slot;
    fields["workflowId"] = workflow.id;
    agent = partyOr(aim, workflow.target, "owner");
    provider = otherAgent(aim, agent);
    if (workflow.target !== undefined) {
      if (random.chance(0.85)) deadline = Math.max(aim.l2Time, Math.min(deadline, workflow.target.fields["deadline"] as number));
      price = random.chance(0.1) ? (workflow.target.fields["escrow"] as number) + 1 : random.below(1 + Math.floor((workflow.target.fields["escrow"] as number) / 3));
    }
  }
  if (kind === 5 || kind === 6 || kind === 7 || random.chance(0.04)) {
    flags |= INVOKE_FLAG.REVIEW;
    fields["reviewWindow"] = random.chance(0.12) ? random.pick([0, MAX_REVIEW_SECONDS + 1, 0xffffffff]) : random.pick([random.between(1, 60), 1, MAX_REVIEW_SECONDS]);
  }
  if (random.chance(0.3)) {
    flags |= INVOKE_FLAG.SESSION;
    if (random.chance(0.6) && (view.sessions().length > 0 || random.chance(0.1))) {
      const session = referenceTo(aim, view.sessions());
      fields["auxSlot"] = session.slot;
      fields["auxId"] = session.id;
      if (session.target !== undefined && random.chance(0.8) && (flags & INVOKE_FLAG.WORKFLOW) === 0) {
        agent = session.target.fields["requester"] as number;
        provider = session.target.fields["provider"] as number;
      }
    }
  } else if (random.chance(0.12) && calls.length > 0) {
    const second = referenceTo(aim, calls);
    flags |= INVOKE_FLAG.SECOND_DEPENDENCY;
    fields["auxSlot"] = second.slot;
    fields["auxId"] = second.id;
  }
  if (random.chance(0.15) && calls.length > 0) {
    const answered = calls.filter((call) => call.fields["status"] !== INVOCATION_STATUS.OPEN);
    const first = referenceTo(aim, preferring(aim, answered, calls));
    flags |= INVOKE_FLAG.DEPENDENCY;
    fields["depSlot"] = first.slot;
    fields["depId"] = first.id;
  }
  if (random.chance(0.03)) flags ^= 1 << random.below(8);
  return { agent, slot: encodeRecord("INVOKE", { ...fields, flags, provider, price, deadline } as never) };
};

const respond: Generator = (aim) => {
  const calls = aim.view.invocations();
  const { slot, id, target } = referenceTo(aim, preferring(aim, calls.filter(({ fields }) => fields["status"] === INVOCATION_STATUS.OPEN && (fields["deadline"] as number) >= aim.l2Time), calls));
  const status = aim.random.chance(0.03) ? aim.random.between(2, 255) : aim.random.chance(0.25) ? 1 : 0;
  return { agent: partyOr(aim, target, "provider"), slot: encodeRecord("RESPOND", { status, slot, id, outputHash: aim.random.bytes(32) }) };
};

const judge = (op: "ACCEPT" | "REJECT"): Generator => (aim) => {
  const calls = aim.view.invocations();
  const { slot, id, target } = referenceTo(aim, preferring(aim, calls.filter((call) => call.fields["status"] === INVOCATION_STATUS.ANSWERED), calls));
  const rating = aim.random.chance(0.04) ? aim.random.between(6, 255) : aim.random.between(0, 5);
  return { agent: partyOr(aim, target, "requester"), slot: encodeRecord(op, { rating, slot, id }) };
};

const accept = judge("ACCEPT");
const reject = judge("REJECT");

const timeout: Generator = (aim) => {
  const { slot, id } = referenceTo(aim, aim.view.invocations());
  return { agent: someAgent(aim), slot: encodeRecord("TIMEOUT", { slot, id }) };
};

const workflowOpen: Generator = (aim) => {
  const agent = someAgent(aim);
  const expected = aim.random.chance(0.06) ? aim.random.pick([0, 65536, 0xffffffff]) : aim.random.pick([1, 1, 2, 3, 65535]);
  return { agent, slot: encodeRecord("WORKFLOW_OPEN", { expected, escrow: amountFor(aim, agent), deadline: deadlineFor(aim) }) };
};

const compose: Generator = (aim) => {
  const all = aim.view.workflows();
  const ended = all.filter(({ fields }) => {
    const isDone = (fields["answered"] as number) + (fields["failed"] as number) === fields["expected"];
    return isDone || ((fields["added"] as number) > 0 && (fields["deadline"] as number) < aim.l2Time);
  });
  const { slot, id } = referenceTo(aim, preferring(aim, ended, all));
  return { agent: someAgent(aim), slot: encodeRecord("COMPOSE", { slot, id }) };
};

const claim: Generator = (aim) => {
  const calls = aim.view.invocations();
  const ended = new Set(aim.view.workflows().filter(({ fields }) => fields["status"] !== 1).map(({ fields }) => fields["id"]));
  const { slot, id } = referenceTo(aim, preferring(aim, calls.filter((call) => ended.has(call.fields["workflowId"] as number)), calls));
  return { agent: someAgent(aim), slot: encodeRecord("CLAIM", { slot, id }) };
};

const withdraw: Generator = (aim) => {
  const agent = someAgent(aim);
  const recipient = aim.random.chance(0.08) ? new Uint8Array(20) : aim.random.bytes(20);
  return { agent, slot: encodeRecord("WITHDRAW", { recipient, amount: aim.random.chance(0.08) ? 0 : amountFor(aim, agent) }) };
};

const setSessionKey: Generator = (aim) => {
  const key = aim.random.chance(0.15) ? new Uint8Array(20) : aim.random.pick(aim.cast).address;
  const cap = aim.random.chance(0.2) ? 2n ** 64n - 1n : aim.random.below(2000);
  const expiry = aim.random.chance(0.3) ? 0xffffffff : aim.l2Time + aim.random.between(-5, 200);
  return { agent: someAgent(aim), slot: encodeRecord("SET_SESSION_KEY", { key, cap, expiry: Math.max(0, expiry) }) };
};

const advertise: Generator = (aim) => ({
  agent: someAgent(aim),
  slot: encodeRecord("ADVERTISE", { capabilitiesHash: aim.random.bytes(32), pricesHash: aim.random.chance(0.3) ? new Uint8Array(32) : aim.random.bytes(32) }),
});

const sessionClose: Generator = (aim) => {
  const all = aim.view.sessions();
  const { slot, id, target } = referenceTo(aim, preferring(aim, all.filter(({ fields }) => fields["outstanding"] === 0), all));
  return { agent: partyOr(aim, target, aim.random.pick(["requester", "provider"])), slot: encodeRecord("SESSION_CLOSE", { slot, id }) };
};

const unknown: Generator = (aim) => {
  const slot = aim.random.bytes(96);
  slot[0] = aim.random.pick([0, 1, 15, 38, 39, 63, 64, 255]);
  return { agent: someAgent(aim), slot };
};

/** Each generator with its weight. */
const generators: readonly (readonly [number, Generator])[] = [
  [4, openAccount], [5, transfer], [30, invoke], [18, respond], [5, accept], [5, reject], [6, timeout], [8, workflowOpen],
  [6, compose], [7, claim], [4, withdraw], [6, setSessionKey], [3, advertise], [5, sessionClose], [2, unknown], ...channelGenerators,
];
const needsCall: ReadonlySet<Generator> = new Set([respond, timeout, claim, accept, reject]);
const totalWeight = generators.reduce((sum, [weight]) => sum + weight, 0);

/** One record aimed at the present state; three in a hundred get a flipped bit in a byte that may be no field. */
export function generateRecord(aim: Aim): Planned {
  let ticket = aim.random.below(totalWeight);
  for (const [weight, generator] of generators) {
    if (ticket < weight) {
      // Most of what refers to a call would be aimed at nothing while there is none.
      const isAimless = needsCall.has(generator) && aim.view.invocations().length === 0 && aim.random.chance(0.9);
      const planned = isAimless ? invoke(aim) : generator(aim);
      if (aim.random.chance(0.03)) {
        const at = aim.random.between(1, 95);
        planned.slot[at] = (planned.slot[at] as number) ^ (1 << aim.random.below(8));
      }
      return planned;
    }
    ticket -= weight;
  }
  return unknown(aim);
}

import { expect } from "chai";

import { toHex } from "../../../core/codec/index.ts";
import type { RecordedStep } from "../../../core/dispute/index.ts";
import { outcomeText } from "../../../core/errors.ts";
import { OP, PHASE } from "../../../core/generated/protocol.ts";
import type { VectorCase, VectorFile } from "./Vector.ts";
import { leafText, nonceOf, parseLeaf, readable, readableFields, VectorRun } from "./VectorRun.ts";

/** What the end of a bundle or entry does to MACHINE, the same for all operations; vectors of the machine state it. */
const CONTROL = ["phase", "source", "cursor", "slots", "batchIndex", "batchSlots", "queueEnd", "inboxCursor", "forcedSender"];

/** Plays a case on the TypeScript side and compares outcome, every field of every touched leaf, receipt, touch order and root. */
export function checkVector(file: VectorFile, vector: VectorCase): RecordedStep {
  const recorded = playAndCompare(file, vector);
  expect(recorded.proof.leaves.map(({ kind, index }) => leafText(kind, Number(index))), "touched").to.deep.equal(vector.touched);
  expect(toHex(recorded.postRoot), "postRoot").to.equal(vector.postRoot);
  return recorded;
}

/** The part of `checkVector` that is worked out by hand: outcome, changes, receipt. */
export function playAndCompare(file: VectorFile, vector: VectorCase): RecordedStep {
  const run = new VectorRun(file, vector);
  const recorded = run.measure(vector);
  const { trace, leaves } = recorded;
  expect(outcomeText(trace.outcome)?.name, "outcome").to.equal(vector.outcome);
  const isExecution = trace.phase === PHASE.EXEC || trace.phase === PHASE.INBOX;
  const hasReceipt = isExecution && vector.receipt !== null && trace.op !== OP.FORCED;
  const texts = leaves.map(({ kind, index }) => leafText(kind, index));
  for (const text of Object.keys(vector.changes)) expect(texts, "touched leaves").to.include(text);

  let receipts = 0;
  for (const [i, leaf] of leaves.entries()) {
    const { name } = parseLeaf(texts[i]);
    const after = readable(name, leaf.after);
    if (name === "RECEIPT") {
      receipts += 1;
      expect(after, "receipt").to.deep.equal(expectedReceipt(run, recorded, vector));
      continue;
    }
    if (isExecution && name === "REGISTER" && vector.changes[texts[i]] === undefined) continue;
    const expected = { ...readable(name, leaf.before), ...readableFields(name, vector.changes[texts[i]] ?? {}) };
    if (isExecution && name === "MACHINE") {
      for (const field of CONTROL) expected[field] = after[field];
      if (hasReceipt) expected["receiptCount"] = (expected["receiptCount"] as number) + 1;
    }
    expect(after, texts[i]).to.deep.equal(expected);
  }
  expect(receipts, "receipts").to.equal(hasReceipt ? 1 : 0);
  return recorded;
}

function expectedReceipt(run: VectorRun, recorded: RecordedStep, vector: VectorCase): Record<string, string | number> {
  const { trace, leaves } = recorded;
  const isEntry = trace.phase === PHASE.INBOX;
  const machine = readable("MACHINE", leaves[0].before);
  return {
    ...readable("RECEIPT", new Uint8Array(128)),
    op: trace.op,
    outcome: trace.outcome,
    l2Time: run.time,
    batchIndex: machine["batchIndex"],
    ...(isEntry ? { id: machine["inboxCursor"] } : { agent: readable("REGISTER", leaves[1].before)["agent"], nonce: nonceOf(recorded), index: readable("REGISTER", leaves[1].before)["index"] }),
    ...readableFields("RECEIPT", vector.receipt ?? {}),
  };
}

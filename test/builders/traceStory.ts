import type { ChannelDomain } from "../../core/channel/index.ts";
import type { TraceOptions, TraceStart } from "../../core/dispute/index.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { createStateTree } from "../../core/state/index.ts";
import { createActor } from "../differential/scenario/Actors.ts";
import { generateBatch } from "../differential/scenario/generateBatch.ts";
import type { PlannedEntry } from "../differential/scenario/generateBatch.ts";
import { Random } from "../differential/scenario/Random.ts";
import { StateView } from "../differential/scenario/StateView.ts";
import { stepKindOf } from "./stepKind.ts";
import { TEST_CHANNELS, TEST_DOMAIN, TestRollup } from "./TestRollup.ts";

const cast = ["ada", "bob", "cy", "dee"].map(createActor);

/** An epoch as it was executed step by step: its inputs, and the root after every step. */
export interface TraceStory {
  readonly rollup: TestRollup;
  readonly options: TraceOptions;
  /** Roots after 0, 1, … steps, up to the last one that is no identity. */
  readonly roots: readonly Uint8Array[];
  /** What each of these steps did. */
  readonly kinds: readonly string[];
  /** Steps as the Inbox counts them (M-9). */
  readonly length: number;
}

export interface StoryOptions {
  /** The domain of the chain that the bundles are signed for. */
  readonly domainSeparator?: Uint8Array;
  readonly channels?: ChannelDomain;
  /** unix seconds of the first batch, about */
  readonly l2Time?: number;
  /** Which entries the chain's Inbox can take, and as what; all of them as they are, unless given. */
  readonly admit?: (entries: readonly PlannedEntry[]) => readonly PlannedEntry[];
}

/** A random epoch of `batches` batches after an earlier one of `before`. */
export function createTraceStory(seed: number, before: number, batches: number, options: StoryOptions = {}): TraceStory {
  const { domainSeparator = TEST_DOMAIN, channels = TEST_CHANNELS, admit = (entries) => entries } = options;
  const random = new Random(seed);
  const rollup = new TestRollup({ fee: 1, domainSeparator, channels });
  const view = new StateView((kind, index) => rollup.state.leaf(kind, index));
  const tree = createStateTree();
  const roots: Uint8Array[] = [];
  const kinds: string[] = [];
  let l2Time = options.l2Time ?? 1_000_000;
  let length = 0;
  let start: TraceStart | undefined;
  for (let batch = 0; batch <= before + batches; batch += 1) {
    if (batch === before) {
      tree.apply(rollup.state.drainDirty());
      start = { state: rollup.state.exportSnapshot(), tree: tree.snapshot() };
      roots.push(tree.root());
    }
    if (batch === before + batches) break;
    const agents = Array.from({ length: view.machine()["agentCount"] }, (_, i) => i + 1);
    const planned = generateBatch({ random, view, cast, domainSeparator, channels }, agents, l2Time, rollup.entries.length);
    l2Time = planned.l2Time;
    const entries = admit(planned.entries);
    for (const entry of entries) rollup.enqueue(entry);
    rollup.submit(l2Time, planned.data);
    if (batch >= before) {
      length += 1 + (2 * planned.data.length) / SLOT_BYTES;
      for (const entry of entries) length += 1 + (2 * entry.data.length) / SLOT_BYTES;
    }
    while (!rollup.isDone) {
      const trace = rollup.step();
      tree.apply(rollup.state.drainDirty());
      if (batch < before) continue;
      roots.push(tree.root());
      kinds.push(stepKindOf(trace));
    }
  }
  return { rollup, options: { start: start!, batchEnd: rollup.batches.length, l1: rollup, parameters: rollup.parameters }, roots, kinds, length };
}

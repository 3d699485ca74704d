import { hexlify } from "ethers";

import { toHex } from "../../core/codec/index.ts";
import { OP } from "../../core/generated/protocol.ts";
import type { EntryInput } from "../../core/transition/index.ts";
import type { PlannedEntry } from "../differential/scenario/generateBatch.ts";
import { EPOCH_AGE_SECONDS, FEE_RECIPIENT } from "./disputeChain.ts";
import type { DisputeChain } from "./disputeChain.ts";
import { submitBatch } from "./submitBatch.ts";
import type { TestRollup } from "./TestRollup.ts";
import { mined } from "./mined.ts";

const GWEI = 1_000_000_000n;
const RICH_WEI = 10n ** 24n;
/** More than random entries link. */
export const LINKABLE_IDS = 4;

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** Of the entries that the rules know, those that an Inbox can queue, as it would queue them. */
export function admitEntries(entries: readonly PlannedEntry[]): PlannedEntry[] {
  let hasSweep = false;
  const admitted: PlannedEntry[] = [];
  for (const entry of entries) {
    if (entry.kind === OP.DEPOSIT) admitted.push(entry);
    else if (entry.kind === OP.FORCED && entry.data.length > 0 && !isZero(entry.sender)) admitted.push(entry);
    else if (entry.kind === OP.LINK_AGENT && !isZero(entry.sender)) admitted.push({ ...entry, value: entry.value % LINKABLE_IDS });
    else if (entry.kind === OP.SWEEP_FEES && !hasSweep && !isZero(entry.sender)) {
      hasSweep = true;
      admitted.push({ ...entry, account: Uint8Array.from(Buffer.from(FEE_RECIPIENT.slice(2), "hex")) });
    }
  }
  return admitted;
}

/** Queues an entry as its sender. */
async function enqueue(chain: DisputeChain, entry: EntryInput): Promise<void> {
  const { inbox, bridge, registry, connection } = chain;
  if (entry.kind === OP.DEPOSIT && chain.isMinting) {
    await mined(inbox.enqueueDeposit(toHex(entry.sender), toHex(entry.account), entry.value));
    return;
  }
  const sender = await connection.ethers.getImpersonatedSigner(toHex(entry.sender));
  await connection.networkHelpers.setBalance(sender.address, RICH_WEI);
  if (entry.kind === OP.DEPOSIT) {
    const value = BigInt(entry.value) * GWEI;
    await mined(bridge.connect(sender).deposit(toHex(entry.account), value, { value }));
  } else if (entry.kind === OP.FORCED) await mined(inbox.connect(sender).force(hexlify(entry.data), { value: await inbox.forcedFee(entry.slots) }));
  else if (entry.kind === OP.SWEEP_FEES) await mined(inbox.connect(sender).sweepFees());
  else {
    const owner = await connection.ethers.getImpersonatedSigner(await registry.ownerOf(entry.value));
    if (owner.address !== sender.address) await mined(registry.connect(owner).transferFrom(owner.address, sender.address, entry.value));
    await mined(inbox.connect(sender).linkAgent(entry.value));
  }
}

/**
 * Posts the batches `from` … `to - 1` of a rollup and the entries that they consume, and closes the epoch after them. The entries'
 * due times become those of the Inbox; nothing in a state depends on them.
 */
export async function postEpoch(chain: DisputeChain, rollup: TestRollup, from: number, to: number): Promise<void> {
  const { inbox } = chain;
  let time = await chain.now();
  let cursor = from === 0 ? 0 : Number(rollup.batches[from - 1]!.queueEnd);
  const tick = async (atLeast = 0): Promise<void> => {
    time = Math.max(time + 1, atLeast);
    await chain.setNextTime(time);
  };
  for (const { l2Time, queueEnd, data } of rollup.batches.slice(from, to)) {
    for (; cursor < queueEnd; cursor += 1) {
      await enqueue(chain, rollup.entries[cursor]!);
      const dueTime = Number(BigInt(await inbox.entryHash(cursor)) & 0xffff_ffffn);
      rollup.entries[cursor] = { ...rollup.entries[cursor]!, dueTime };
    }
    time = await chain.now();
    await tick(l2Time);
    await mined(submitBatch(inbox, l2Time, queueEnd, hexlify(data)));
  }
  await tick(Number(await inbox.openedAt()) + EPOCH_AGE_SECONDS);
  await mined(inbox.closeEpoch());
}

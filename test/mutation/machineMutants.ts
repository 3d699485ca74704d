import { inFile } from "./Mutant.ts";
import type { Mutant } from "./Mutant.ts";

/** Mutants of the tree, the data, the machine, headers, entries and receipts: N, B, M, H, R-1 … R-4, EN, RC. */
export const machineMutants: readonly Mutant[] = [
  ...inFile("state/StateTree.ts", [
    ["N-1", "hashNode(roots, i * 4 * HASH_BYTES, TAG_INNER, groups, i * HASH_BYTES);", "hashNode(roots, i * 4 * HASH_BYTES, TAG_ROOT, groups, i * HASH_BYTES);"],
    ["N-2", "new DenseTree({ kind, depth: DEPTH_OF_KIND[kind] })", "new DenseTree({ kind: kind + 1, depth: DEPTH_OF_KIND[kind] })"],
    ["N-3", "message[4 * HASH_BYTES] = TAG_ROOT;", "message[4 * HASH_BYTES] = TAG_INNER;"],
    ["N-4", "if (i === node) continue;", "if (i === (node ^ 1)) continue;"],
  ]),
  ...inFile("codec/batch.ts", [
    ["B-1", "while (level.length < width) level.push(new Uint8Array(32));", "while (level.length < width) level.push(new Uint8Array(32).fill(1));"],
    ["B-2", "writeInteger(words, 1, meta.queueEnd);", "writeInteger(words, 1, meta.queueEnd + 1);"],
    ["B-3", "writeInteger(words, 6, entry.dueTime);", "writeInteger(words, 6, 0);"],
    ["B-6", "words.set(hash, 32);", ""],
    ["B-6", "words.set(entry, 64 + 32 * at)", "words.set(entry, 32 + 32 * entryHashes.length)"],
  ]),
  ...inFile("codec/packedSlots.ts", [
    ["B-7", "const GROUP_WORDS = 255;", "const GROUP_WORDS = 256;"],
    ["B-7", "(7 - (bit & 7))", "(bit & 7)"],
  ]),
  ...inFile("codec/bundle.ts", [["B-5", "message[1] = 0x01;", "message[1] = 0x00;"]]),
  ...inFile("codec/signature.ts", [["B-5", "s > ORDER / 2n) return null;", "s > ORDER) return null;"]]),
  ...inFile("transition/Machine.ts", [
    ["M-1", "if (index >= batchEnd) return;", "if (index > batchEnd) return;"],
    ["M-4", "system.setU64(MACHINE_AT + MACHINE.inboxCursor, index + 1);", "system.setU64(MACHINE_AT + MACHINE.inboxCursor, index + 2);"],
    ["M-5", "system.setU32(MACHINE_AT + MACHINE.cursor, cursor + 1);", "system.setU32(MACHINE_AT + MACHINE.cursor, cursor);"],
    ["M-6", "system.view.setUint16(REGISTER_AT + REGISTER.index, isLast ? 0 : index + 1);", "system.view.setUint16(REGISTER_AT + REGISTER.index, index + 1);"],
    ["B-4", "message.set(system.bytes.subarray(hashAt, hashAt + 32));", ""],
    ["M-7", "system.setU8(MACHINE_AT + MACHINE.phase, PHASE.EXEC);", "system.setU8(MACHINE_AT + MACHINE.phase, PHASE.SLOTS);"],
    ["M-8", "else system.view.setUint16(REGISTER_AT + REGISTER.index, index + 1);", ""],
    ["M-8", "system.clear(REGISTER_AT);\n    system.setU32(MACHINE_AT + MACHINE.cursor, cursor);", "system.setU32(MACHINE_AT + MACHINE.cursor, cursor);"],
  ]),
  ...inFile("transition/normalise.ts", [
    ["M-2", "Math.max(batch.queueEnd, inboxCursor)", "batch.queueEnd"],
    ["M-2", "system.setU32(MACHINE_AT + MACHINE.l2Time, batch.l2Time);", ""],
    ["M-3", "system.setU32(SLOTS_AT, system.u32(BATCH_SLOTS_AT));", ""],
    ["M-3", "for (let i = 0; i < 20; i += 4) system.setU32(MACHINE_AT + MACHINE.forcedSender + i, 0);", ""],
    ["M-3", "system.setU64(QUEUE_END_AT, 0);", ""],
    ["M-4", "system.bytes.set(entry.sender, MACHINE_AT + MACHINE.forcedSender);", ""],
    ["M-9", "system.setU32(BATCH_SLOTS_AT, 0);", "system.setU32(BATCH_SLOTS_AT, 1);"],
  ]),
  ...inFile("transition/header.ts", [
    ["M-5", "if (count === 0 || count > MAX_BUNDLE_RECORDS", "if (count > MAX_BUNDLE_RECORDS"],
    ["M-5", "for (let i = 20; i < 32; i += 4) if (view.getUint32(at + i) !== 0) return false;", ""],
    ["M-5", "if (!isForced) return false;", ""],
    ["H-1", "agent <= state.system.u32(MACHINE_AT + MACHINE.agentCount)", "agent <= state.system.u32(MACHINE_AT + MACHINE.agentCount) + 1"],
    ["H-2", "if (nonceDistance(state, header) !== 0) return ERROR.H_NONCE;", "if (nonceDistance(state, header) < 0) return ERROR.H_NONCE;"],
    ["H-3", "return l2Time > header.validUntil ? ERROR.H_EXPIRED : ERROR.OK;", "return l2Time >= header.validUntil ? ERROR.H_EXPIRED : ERROR.OK;"],
    ["H-4", "return isSessionKey && l2Time <= agents.u32(at + AGENT.sessionExpiry) ? SIGNER.SESSION : SIGNER.NONE;", "return isSessionKey ? SIGNER.SESSION : SIGNER.NONE;"],
    ["H-4", "return hasAddress(agents.bytes, at + AGENT.owner, sender) ? SIGNER.OWNER : SIGNER.NONE;", "return SIGNER.OWNER;"],
  ]),
  ...inFile("transition/record.ts", [
    ["R-1", "ctx.agentAt = ctx.state.agents.touch(ctx.agent);", "ctx.agentAt = ctx.state.agents.touch(1);"],
    ["R-2", "op <= OP.SIGNATURE", "op <= OP.SIGNATURE + 1"],
    ["R-4", "hasCleanPadding(ctx.view, ctx.at, op) ? dispatch(ctx, op) : ERROR.E_MALFORMED", "dispatch(ctx, op)"],
  ]),
  ...inFile("transition/deposit.ts", [
    ["EN-1", "if (value === 0) return ERROR.E_AMOUNT;", ""],
    ["EN-1", "credit(ctx, ctx.state.agents.touch(low), value);", "ctx.state.agents.touch(low);"],
    ["EN-2", "isZeroAddress(ctx.view, SENDER_AT) || areWithdrawalsFull(ctx)", "isZeroAddress(ctx.view, SENDER_AT)"],
    ["EN-2", "WITHDRAWAL_CAUSE.BOUNCED_DEPOSIT", "WITHDRAWAL_CAUSE.WITHDRAW"],
  ]),
  ...inFile("transition/linkAgent.ts", [
    ["EN-3", "registryId + 1", "registryId"],
    ["EN-3", "if (registryId >= MAX_UNITS) return ERROR.E_AMOUNT;", ""],
  ]),
  ...inFile("transition/sweepFees.ts", [
    ["EN-4", "system.setU64(MACHINE_AT + MACHINE.feeBalance, 0);", ""],
    ["EN-4", "if (areWithdrawalsFull(ctx)) return ERROR.E_FULL;", ""],
  ]),
  ...inFile("transition/entry.ts", [
    ["M-10", "let outcome: number = ERROR.E_UNKNOWN_OP;", "let outcome: number = ERROR.E_MALFORMED;"],
    ["RC-3", "if (outcome === ERROR.OK) receipts.setU64(at + RECEIPT.amount, ctx.amount);", "receipts.setU64(at + RECEIPT.amount, ctx.amount);\n  receipts.setU32(at + RECEIPT.slot, 1);"],
    ["RC-3", "receipts.setU64(at + RECEIPT.id, system.u64(MACHINE_AT + MACHINE.inboxCursor));", ""],
  ]),
];

import { Interface } from "ethers";

import { bisectionGameAbi } from "../../../chain/generated/abi/BisectionGame.ts";
import { settlementAbi } from "../../../chain/generated/abi/Settlement.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { decideAnswer, partStates } from "../../../core/dispute/index.ts";
import type { TraceOracle } from "../../../core/dispute/index.ts";
import type { DisputeCall } from "../decide/DisputeAction.ts";

const settlement = new Interface(settlementAbi);
const game = new Interface(bisectionGameAbi);

/** What has a limit in time is not estimated: on an idle chain an estimate sees the time of the last block. */
const TIMED_CALL_GAS = 500_000n;

export interface EncodedCall {
  readonly to: string;
  readonly data: string;
  readonly gasLimit?: bigint;
}

export interface CallContext {
  readonly settlement: string;
  readonly game: string;
  readonly address: string;
  /** k */
  readonly parts: number;
  /** The true trace of an epoch. */
  readonly traceOf: (epoch: number) => Promise<TraceOracle>;
}

/** The calldata of a call; openings, answers and proofs are made from the trace here. */
export async function encodeCall(call: DisputeCall, context: CallContext): Promise<EncodedCall> {
  const ofSettlement = (name: string, args: readonly unknown[], gasLimit?: bigint): EncodedCall => ({
    to: context.settlement, data: settlement.encodeFunctionData(name, args), ...(gasLimit === undefined ? {} : { gasLimit }),
  });
  const ofGame = (name: string, args: readonly unknown[], gasLimit?: bigint): EncodedCall => ({
    to: context.game, data: game.encodeFunctionData(name, args), ...(gasLimit === undefined ? {} : { gasLimit }),
  });
  switch (call.type) {
    case "claim":
      return ofSettlement("claim", [call.parent, call.round, call.epoch, call.root, call.accumulator, context.address]);
    case "back":
      return ofSettlement("back", [call.claimId, context.address]);
    case "confirm":
      return ofSettlement("confirm", [call.claimId], TIMED_CALL_GAS);
    case "reject":
      return ofSettlement("reject", [call.claimId]);
    case "release":
      return ofSettlement("release", [call.roundId, call.n]);
    case "withdraw":
      return ofSettlement("withdrawCredit", [context.address]);
    case "settle":
      return ofGame("settle", [call.roundId, call.i, call.j]);
    case "settleOpening":
      return ofGame("settleOpening", [call.roundId, call.n]);
    case "timeout":
      return ofGame("timeout", [call.roundId, call.i, call.j], TIMED_CALL_GAS);
    case "open": {
      const trace = await context.traceOf(call.epoch);
      return ofGame("open", [call.roundId, call.n, partStates(trace, 0, trace.length, context.parts).map(toHex)]);
    }
    case "answer": {
      const { position } = call;
      const { part, states } = decideAnswer(position, await context.traceOf(call.epoch), context.parts);
      const previous = { ...position, preState: toHex(position.preState), states: position.states.map(toHex) };
      return ofGame("answer", [call.roundId, call.i, call.j, call.move, previous, part, states.map(toHex)]);
    }
    case "prove": {
      const { step, preState, saidEarlier, saidLater } = call.leaf;
      const { proof } = (await context.traceOf(call.epoch)).stepProofAt(step);
      const leaf = { step, preState: toHex(preState), saidEarlier: toHex(saidEarlier), saidLater: toHex(saidLater) };
      return ofGame("prove", [call.roundId, call.i, call.j, leaf, proof]);
    }
  }
}

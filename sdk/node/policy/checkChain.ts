import type { Provider } from "ethers";

import { ChainError } from "../../../chain/ChainError.ts";
import type { Deployment } from "../../../chain/Deployment.ts";
import { readRollup } from "../../../chain/readRollup.ts";
import type { BountyTerms } from "../../../chain/bounties/BountyTerms.ts";
import { decodeBatchMeterParams } from "../../bounties/BountyTerms.ts";
import { readInline } from "../../bounties/documents.ts";
import type { BountyDocument } from "../../bounties/documents.ts";
import { parseSequencerSpec } from "../../bounties/sequencerSpec.ts";
import { contractOf } from "../../economy/readEconomy.ts";
import type { Economy } from "../../economy/readEconomy.ts";
import { SdkError } from "../../SdkError.ts";
import type { ChainCheck } from "./OperatorState.ts";

/** A chain that a sequencer is wanted for, as L1 has it. */
export interface WantedChain {
  readonly check: ChainCheck;
  /** Undefined for a chain that is not what the bounty says. */
  readonly deployment: Deployment | undefined;
}

function unknown(reason: string): WantedChain {
  return { check: { isKnown: false, reason }, deployment: undefined };
}

/**
 * The chain that a bounty's specification names, read from the factory that the operator knows; nothing that the poster says is taken
 * over. Its meter has to measure that very chain.
 * @throws ChainError when L1 does not answer
 */
export async function checkChain(provider: Provider, economy: Economy, terms: BountyTerms, spec: BountyDocument): Promise<WantedChain> {
  const text = readInline(spec);
  if (text === undefined) return unknown("its specification is not in the bounty, or is another one than its hash says");
  const measured = decodeBatchMeterParams(terms.sourceParams);
  if (measured === undefined) return unknown("its meter is told nothing that it can read");
  try {
    const { chainId, creator, salt } = parseSequencerSpec(text);
    if (chainId !== economy.chainId) return unknown("its chain lives on another L1");
    const deployment = await readRollup(provider, contractOf(economy, "factory"), { creator, salt }, economy.fromBlock);
    const { settlement, sequencerSet } = deployment.contracts;
    if (sequencerSet === undefined) return unknown("its chain has no set of operators");
    const isMeasured = settlement.toLowerCase() === measured.settlement && sequencerSet.toLowerCase() === measured.sequencerSet;
    if (!isMeasured) return unknown("its meter measures another chain than its specification names");
    const operatorBondWei = BigInt(String(deployment.config["operatorBondWei"]));
    return { check: { isKnown: true, operatorBondWei, silenceSeconds: measured.silenceSeconds, graceSeconds: measured.graceSeconds }, deployment };
  } catch (error) {
    if (error instanceof SdkError && error.code === "SDK_INPUT") return unknown(error.why);
    if (error instanceof ChainError && error.code === "DEPLOYMENT_INVALID") return unknown("its chain is none of the factory that this agent knows");
    throw error;
  }
}

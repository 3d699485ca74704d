import { sdkError } from "../SdkError.ts";

/** `type` of the specification of a bounty that looks for a sequencer. */
export const SEQUENCER_SPEC_TYPE = "agnt2/sequencer/1";

/** Which chain the sequencer is wanted for: L1 itself tells the rest of it. */
export interface SequencerSpec {
  readonly chainId: number;
  /** Who called `create` of the factory, and under which salt. */
  readonly creator: string;
  readonly salt: string;
}

export function sequencerSpecText(spec: SequencerSpec): string {
  return JSON.stringify({ type: SEQUENCER_SPEC_TYPE, ...spec });
}

/** @throws SdkError `SDK_INPUT` for text that is no such specification */
export function parseSequencerSpec(text: string): SequencerSpec {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw sdkError("SDK_INPUT", "the specification is no JSON", {}, error);
  }
  const { type, chainId, creator, salt } = json;
  const isSpec = type === SEQUENCER_SPEC_TYPE && typeof chainId === "number" && Number.isSafeInteger(chainId) && typeof creator === "string" && /^0x[0-9a-fA-F]{40}$/.test(creator) && typeof salt === "string" && /^0x[0-9a-fA-F]{64}$/.test(salt);
  if (!isSpec) throw sdkError("SDK_INPUT", "the specification is none of a sequencer");
  return { chainId, creator, salt };
}

import type { OperatorAction } from "./OperatorState.ts";
import type { PatronAction } from "./PatronState.ts";
import type { SequencerNotice } from "./SequencerProcess.ts";

/** What an agent tells while it acts. */
export type PolicyNotice =
  | { readonly kind: "registered"; readonly agentId: bigint }
  /** A bounty that is not taken, told once for each reason. */
  | { readonly kind: "passed"; readonly bounty: number; readonly reason: string }
  | { readonly kind: "done"; readonly action: (OperatorAction | PatronAction)["type"]; readonly bounty: number | undefined; readonly values: Readonly<Record<string, string | number | bigint>> }
  | { readonly kind: "waiting"; readonly reason: string }
  | { readonly kind: "sequencer"; readonly notice: SequencerNotice }
  /** Something went wrong; the next turn looks again. */
  | { readonly kind: "trouble"; readonly error: Error };

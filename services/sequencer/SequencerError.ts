import { CodedError } from "../../runtime/errors/CodedError.ts";

/** Error codes of the sequencer. */
export type SequencerErrors = {
  "sequencer/logFormat": { readonly file: string; readonly found: number; readonly known: number };
  "sequencer/logDamaged": { readonly file: string; readonly offset: number };
  "sequencer/otherChain": { readonly expected: string; readonly found: string };
  "sequencer/backupTarget": { readonly dir: string };
  "sequencer/backupDamaged": { readonly file: string };
  "sequencer/noData": { readonly dir: string };
  "sequencer/notEmpty": { readonly dir: string };
  "sequencer/signerAway": object;
  "sequencer/adoptMoved": object;
  "sequencer/worker": { readonly worker: string };
};

export class SequencerError<K extends keyof SequencerErrors = keyof SequencerErrors> extends CodedError<SequencerErrors, K> {}

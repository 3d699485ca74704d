import { CodedError } from "../errors/CodedError.ts";

/** Error codes of `runtime/lifecycle`. */
export type LifecycleErrors = {
  "lifecycle/stopDeadline": { readonly members: readonly string[]; readonly deadlineMs: number };
  "lifecycle/stopFailed": { readonly members: readonly string[] };
};

export class LifecycleError<K extends keyof LifecycleErrors = keyof LifecycleErrors> extends CodedError<LifecycleErrors, K> {}

import { CodedError } from "../errors/CodedError.ts";

/** Error codes of `runtime/queue`. */
export type QueueErrors = {
  "queue/unavailable": { readonly backend: string; readonly action: string };
  "queue/url": { readonly scheme: string };
  "queue/closed": { readonly queue: string };
};

export class QueueError<K extends keyof QueueErrors = keyof QueueErrors> extends CodedError<QueueErrors, K> {}

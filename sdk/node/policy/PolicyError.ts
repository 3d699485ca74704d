import { CodedError } from "../../../runtime/errors/CodedError.ts";

/** What goes wrong around an agent that acts by a policy; reverts of contracts keep their own codes. */
export type PolicyErrors = {
  "policy/invalid": { readonly file: string; readonly issues?: readonly string[] };
  "policy/stateDamaged": { readonly file: string };
  "policy/otherAccount": { readonly file: string; readonly account: string; readonly expected: string };
  "policy/orphan": { readonly pid: number };
  "policy/notDeployed": { readonly contract: string };
};

export class PolicyError<K extends keyof PolicyErrors = keyof PolicyErrors> extends CodedError<PolicyErrors, K> {}

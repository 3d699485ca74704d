import { outcomeText } from "../core/errors.ts";

/** What the caller can do: try again later, give this request up, or correct the set-up and start again. */
export type SdkReaction = "retry" | "reject" | "stop";

const SDK_ERRORS = {
  SDK_AMOUNT: ["reject", "the amount cannot be used", "give whole units as text (\"0.25\") or base units as a bigint, a multiple of the chain's unit"],
  SDK_INPUT: ["reject", "an argument cannot be used", "see the details and call again"],
  SDK_UNREACHABLE: ["retry", "the service did not answer", "check the address and that the service runs; what was not acknowledged is sent again"],
  SDK_HTTP: ["retry", "the service answered with an error", "see its message"],
  SDK_RESPONSE: ["stop", "the service answered in a form that this version does not know", "use an SDK of the service's version"],
  SDK_BAD_SIGNATURE: ["stop", "an acknowledgement is not signed by the chain's sequencer", "do not trust this endpoint; check the sequencer's address"],
  SDK_BAD_PROOF: ["stop", "a proof does not lead to the signed root", "do not trust this endpoint"],
  SDK_WRONG_CHAIN: ["stop", "the server is not of the chain that the deployment file names", "do not trust this endpoint; check its address and the deployment file"],
  SDK_UNTRUSTED: ["stop", "nothing but the server's own word says which chain this is and who signs for it", "name the chain's deployment file, and the sequencer's address where the file has none"],
  SDK_NO_ACCOUNT: ["reject", "the address has no account on the chain yet", "deposit to it first"],
  SDK_NO_SIGNER: ["reject", "this client has no L1 signer", "give the agent an L1 endpoint and a key that can pay for L1 gas"],
  SDK_SIGNER: ["reject", "the signer did not sign", "see its message"],
  SDK_CLOSED: ["reject", "the client was closed before the answer came", "connect again and look the receipt up"],
  SDK_LOST: ["reject", "the bundle's nonce was used, but by which bundle cannot be told", "look the account's receipts up before sending it again"],
  SDK_BEHIND: ["reject", "an operation before it failed, so that its nonce could not be reached", "make it again"],
  SDK_NO_ANSWER: ["reject", "no signed answer came; whether the bundle ran is not known", "look the account's nonce and receipts up before sending it again"],
  SDK_TIMEOUT: ["retry", "what was waited for did not happen in time", "look again later"],
  SDK_ROUTE: ["reject", "the payment did not pass the hub", "nothing was paid unless it says so; a lock that is open ends by itself. Try again, or over another hub"],
  SDK_PAYMENT: ["reject", "the payment cannot be read, or what is asked for cannot be paid this way", "see the details; nothing was paid"],
  SDK_KEYSTORE: ["reject", "the keystore cannot be opened", "check the file and the password"],
  SDK_SEALED: ["reject", "a sealed body cannot be opened", "see the details; seal it anew to the key in the agent's card"],
  SDK_REMOTE_AGENT: ["reject", "what the other agent says of itself does not hold", "do not pay it; see the details"],
  SDK_PLAIN_KEY: ["reject", "a plain key may be used on the local chain only", "make a keystore with `agnt2 keys new`, or name an external signer"],
} as const satisfies Record<string, readonly [SdkReaction, string, string]>;

/** Refusals of the sequencer's intake that are no rule of the chain, by their number in the stream. The bundle has had no effect. */
const INTAKE_ERRORS: Readonly<Record<number, readonly [code: string, reaction: SdkReaction, what: string, todo: string]>> = {
  128: ["INTAKE_BUSY", "retry", "too many bundles wait", "send it again in a moment"],
  129: ["INTAKE_DISK_FULL", "retry", "the sequencer cannot write to its disk", "send it again later"],
  130: ["INTAKE_WAITED_TOO_LONG", "retry", "what the bundle waited for did not come", "look up the nonce, and send it after what it depends on"],
  131: ["INTAKE_STOPPING", "retry", "the sequencer is being stopped", "send it again when it is back"],
  132: ["INTAKE_TOO_LARGE", "reject", "the bundle is larger than any can be", "build the bundle with the codec"],
};

/** The intake's codes with their text and advice, for the error reference. */
export const INTAKE_ERROR_TEXTS = Object.values(INTAKE_ERRORS).map(([code, reaction, what, todo]) => ({ code, reaction, what, todo }));

export type SdkErrorCode = keyof typeof SDK_ERRORS;

/** The codes of the SDK with their text and advice, for the error reference. */
export const SDK_ERROR_TEXTS: readonly { code: SdkErrorCode; reaction: SdkReaction; what: string; todo: string }[] = (
  Object.entries(SDK_ERRORS) as [SdkErrorCode, readonly [SdkReaction, string, string]][]
).map(([code, [reaction, what, todo]]) => ({ code, reaction, what, todo }));

interface ErrorParts {
  readonly code: string;
  readonly reaction: SdkReaction;
  readonly what: string;
  readonly why: string;
  readonly todo: string;
  readonly values?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Everything the SDK throws. `code` is one of the SDK's own, an outcome of the chain (`E_…`, `H_…`) or a code of the service. */
export class SdkError extends Error {
  readonly code: string;
  readonly reaction: SdkReaction;
  readonly what: string;
  readonly why: string;
  readonly todo: string;
  readonly values: Readonly<Record<string, unknown>>;

  constructor(parts: ErrorParts) {
    super(parts.why === "" ? parts.what : `${parts.what}: ${parts.why}`, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "SdkError";
    this.code = parts.code;
    this.reaction = parts.reaction;
    this.what = parts.what;
    this.why = parts.why;
    this.todo = parts.todo;
    this.values = parts.values ?? {};
  }
}

/** An error of the SDK itself. */
export function sdkError(code: SdkErrorCode, why: string, values: Readonly<Record<string, unknown>> = {}, cause?: unknown): SdkError {
  const [reaction, what, todo] = SDK_ERRORS[code];
  return new SdkError({ code, reaction, what, why, todo, values, cause });
}

/** An outcome or header error of the chain, by its id in the specification. */
export function outcomeError(id: number, why: string, values: Readonly<Record<string, unknown>> = {}): SdkError {
  const text = outcomeText(id);
  if (text === undefined) return sdkError("SDK_RESPONSE", `no outcome has id ${id}`, values);
  return new SdkError({ code: text.name, reaction: "reject", what: text.what, why, todo: text.todo, values });
}

/** Why the sequencer refused a bundle: a header error of the chain, or a reason of its intake. */
export function refusalError(id: number, why: string): SdkError {
  const intake = INTAKE_ERRORS[id];
  if (intake === undefined) return outcomeError(id, why);
  const [code, reaction, what, todo] = intake;
  return new SdkError({ code, reaction, what, why, todo });
}

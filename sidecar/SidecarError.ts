import type { Reaction } from "../runtime/errors/CodedError.ts";
import { HttpError } from "../runtime/errors/HttpError.ts";
import type { HttpErrorTable } from "../runtime/errors/HttpError.ts";

type Nothing = Record<string, never>;

/** Error codes of the sidecar and its middleware. */
export type SidecarErrors = {
  "door/request": { readonly problem: string };
  "door/path": { readonly problem: string };
  "door/headers-too-large": { readonly limitBytes: number };
  "door/request-slow": Nothing;
  "door/body-too-large": { readonly limitBytes: number };
  "door/body-slow": Nothing;
  "door/body-broken": Nothing;
  "door/busy": { readonly retryAfterSeconds: number };
  "door/stopping": Nothing;
  "door/failed": Nothing;
  "door/upstream": { readonly problem: string };
  "door/upstream-timeout": { readonly timeoutMs: number };
  "route/unknown": { readonly method: string };
  "payment/required": Nothing;
  "payment/malformed": { readonly problem: string };
  "payment/unknown-requirement": Nothing;
  "payment/underpaid": { readonly asked: string; readonly offered: string };
  "payment/wrong-asset": { readonly asset: string };
  "payment/wrong-chain": { readonly network: string };
  "payment/wrong-payee": { readonly payTo: string };
  "payment/expired": Nothing;
  "payment/not-yet": Nothing;
  "payment/invalid": { readonly reason: string };
  "payment/other-request": Nothing;
  "payment/digest-needed": { readonly limitBytes: number };
  "payment/digest": Nothing;
  "payment/no-call": Nothing;
  "payment/used": Nothing;
  "payment/answered": Nothing;
  "payment/released": Nothing;
  "payment/in-progress": Nothing;
  "payment/unsettled": { readonly reason: string };
  "sale/answer-too-large": { readonly limitBytes: number };
  "sealed/closed": Nothing;
  "way/unavailable": { readonly way: string; readonly retryAfterSeconds: number };
  "buy/url": { readonly problem: string };
  "buy/host": { readonly host: string };
  "buy/body": { readonly limitBytes: number };
  "buy/offer": { readonly problem: string };
  "buy/no-way": { readonly problem: string };
  "buy/agent": { readonly payTo: string };
  "buy/payee": { readonly payTo: string; readonly known: string };
  "buy/too-expensive": { readonly asked: string; readonly most: string; readonly asset: string };
  "buy/budget": { readonly limit: string; readonly asked: string; readonly left: string; readonly asset: string };
  "buy/busy": { readonly retryAfterSeconds: number };
  "buy/store": Nothing;
  "buy/stopped": Nothing;
  "buy/unpaid": { readonly way: string; readonly reason: string };
  "buy/refused": { readonly reason: string; readonly skewSeconds: number };
  "buy/unreachable": { readonly host: string };
  "buy/timeout": { readonly host: string; readonly timeoutMs: number };
  "buy/lost": { readonly receipt: number };
  "gateway/agent": { readonly name: string };
  "gateway/caller": { readonly problem: string };
  "gateway/token": Nothing;
  "gateway/seal": { readonly problem: string };
  "proxy/token": Nothing;
  "proxy/target": { readonly problem: string };
};

const SIDECAR_ERRORS: HttpErrorTable<SidecarErrors> = {
  "door/request": { status: 400, what: "the request is not proper HTTP", todo: "send one that is" },
  "door/path": { status: 400, what: "the path can be read in more than one way", todo: "send it without dots, double or encoded slashes" },
  "door/headers-too-large": { status: 431, what: "the headers are larger or more than this door takes", todo: "send less" },
  "door/request-slow": { status: 408, what: "the request did not come in time", todo: "send it again" },
  "door/body-too-large": { status: 413, what: "the body is larger than this route takes", todo: "send less" },
  "door/body-slow": { status: 408, what: "the body did not come in time", todo: "send it again" },
  "door/body-broken": { status: 400, what: "the body ended early", todo: "send it again" },
  "door/busy": { status: 503, what: "too much is being served", todo: "try again later; nothing was charged" },
  "door/stopping": { status: 503, what: "this service is being stopped", todo: "try again later; nothing was charged" },
  "door/failed": { status: 500, what: "the sidecar could not do its part", todo: "try again later; nothing was charged" },
  "door/upstream": { status: 502, what: "the service behind did not answer properly", todo: "try again later; nothing was charged" },
  "door/upstream-timeout": { status: 504, what: "the service behind did not answer in time", todo: "try again later; nothing was charged" },
  "route/unknown": { status: 404, what: "nothing is sold here", todo: "see the agent's card for what is" },
  "payment/required": { status: 402, what: "this costs something", todo: "pay as the header PAYMENT-REQUIRED says" },
  "payment/malformed": { status: 400, what: "the payment cannot be read", todo: "send one as the scheme says" },
  "payment/unknown-requirement": { status: 402, what: "the payment answers no requirement of this route", todo: "pay as the header PAYMENT-REQUIRED says" },
  "payment/underpaid": { status: 402, what: "the payment is less than the price", todo: "pay what is asked now" },
  "payment/wrong-asset": { status: 402, what: "the payment is in another asset", todo: "pay in one of those that are asked for" },
  "payment/wrong-chain": { status: 402, what: "the payment is on another chain", todo: "pay on one of those that are asked for" },
  "payment/wrong-payee": { status: 402, what: "the payment is for somebody else", todo: "pay as the header PAYMENT-REQUIRED says" },
  "payment/expired": { status: 402, what: "the payment's time is over", todo: "pay anew" },
  "payment/not-yet": { status: 402, what: "the payment's time has not begun", todo: "check the clock" },
  "payment/invalid": { status: 402, what: "the payment is not valid", todo: "see the reason, and pay anew" },
  "payment/other-request": { status: 402, what: "the payment was made for another request", todo: "send the request that it was made for" },
  "payment/digest-needed": { status: 400, what: "a paid body of this size needs the header Content-Digest", todo: "send it with sha-256" },
  "payment/digest": { status: 400, what: "the body has another digest than the header says", todo: "send the body that was paid for" },
  "payment/no-call": { status: 402, what: "no open call has this ticket", todo: "make the call, then ask with its ticket" },
  "payment/used": { status: 409, what: "the payment has been used for another request", todo: "pay anew" },
  "payment/answered": { status: 409, what: "the payment has been answered, and the answer is no longer kept", todo: "pay anew" },
  "payment/released": { status: 409, what: "the payment was given back", todo: "pay anew" },
  "payment/in-progress": { status: 409, what: "the request that this payment was made for is still running", todo: "ask again with the same payment" },
  "payment/unsettled": { status: 402, what: "the payment did not go through", todo: "see the reason; the answer was withheld" },
  "sale/answer-too-large": { status: 502, what: "the answer is too large to be paid after it", todo: "tell the operator: this route should stream; nothing was charged" },
  "sealed/closed": { status: 400, what: "the sealed body does not open", todo: "seal it anew to a key in the agent's card, for this method and target" },
  "way/unavailable": { status: 503, what: "payments of this kind cannot be checked now", todo: "try again later, or pay in another way; nothing was charged" },
  "buy/url": { status: 400, what: "this URL is not asked", todo: "name one that the policy for URLs allows; private addresses need to be allowed by name" },
  "buy/host": { status: 403, what: "this host is not on the allow-list", todo: "add it to the allowed hosts" },
  "buy/body": { status: 413, what: "the body cannot be sent twice, and is too large to be kept", todo: "send less, or name its Content-Digest" },
  "buy/offer": { status: 502, what: "the other side asks for money in a way that is not understood", todo: "tell its operator" },
  "buy/no-way": { status: 403, what: "nothing that the other side takes is anything this buyer may pay with", todo: "see the reason; allow the asset, or set up the way" },
  "buy/agent": { status: 403, what: "this payee is not on the allow-list", todo: "add it to the allowed agents" },
  "buy/payee": { status: 403, what: "the money is asked for somebody else than the agent that was named", todo: "do not trust this endpoint; tell the agent's operator" },
  "buy/too-expensive": { status: 403, what: "the price is above the limit for one call", todo: "raise the limit, or do without" },
  "buy/budget": { status: 429, what: "the budget is used up", todo: "wait for the next day, or raise the limit" },
  "buy/busy": { status: 503, what: "too much is being bought at once", todo: "try again later; nothing was paid" },
  "buy/store": { status: 503, what: "what is paid cannot be written down, so nothing is paid", todo: "see to the disk" },
  "buy/stopped": { status: 503, what: "this buyer is being stopped", todo: "try again later" },
  "buy/unpaid": { status: 502, what: "the payment could not be made", todo: "see the reason; nothing was paid" },
  "buy/refused": { status: 502, what: "the other side did not take the payment", todo: "see the reason; the amount stays reserved until the payment can no longer be used" },
  "buy/unreachable": { status: 502, what: "the other side cannot be reached", todo: "try again later" },
  "buy/timeout": { status: 504, what: "the other side did not answer in time", todo: "try again later" },
  "buy/lost": { status: 502, what: "a payment was made, and its answer did not come", todo: "see the receipt; the amount counts as spent until it is known what became of it" },
  "gateway/agent": { status: 404, what: "no agent is known by this name", todo: "name one of the configuration, its id or its address" },
  "gateway/caller": { status: 403, what: "this caller may not spend here", todo: "call from this machine, not from a web page" },
  "gateway/token": { status: 401, what: "the token of this gateway is missing", todo: "send it as Authorization: Bearer" },
  "gateway/seal": { status: 502, what: "the request could not be sealed, or its answer not opened", todo: "see the problem; leave Agnt2-Seal out to send it open" },
  "proxy/token": { status: 407, what: "the token of this proxy is missing", todo: "send it as Proxy-Authorization" },
  "proxy/target": { status: 403, what: "this proxy does not go there", todo: "see the allowed hosts and ports" },
};

const RETRIED: readonly number[] = [408, 409, 502, 503, 504];

/** A refusal of the sidecar, with its HTTP status. */
export class SidecarError<K extends keyof SidecarErrors = keyof SidecarErrors> extends HttpError<SidecarErrors, K> {
  constructor(code: K, payload: SidecarErrors[K], { cause, reaction }: { cause?: unknown; reaction?: Reaction } = {}) {
    super(SIDECAR_ERRORS, code, payload, { reaction: reaction ?? (RETRIED.includes(SIDECAR_ERRORS[code].status) ? "retry" : "reject"), cause });
  }
}

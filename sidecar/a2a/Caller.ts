import type { ServerCallContext, User } from "@a2a-js/sdk/server";

import type { PaidExchange } from "./PaidExchange.ts";
import type { PreparedCall } from "./PreparedCall.ts";

/** Who asks, and for what: one for each HTTP request. */
export class Caller implements User {
  readonly paid: PaidExchange | undefined;
  /** The endpoint's skill; undefined where any may be asked for. */
  readonly endpointSkill: string | undefined;
  /** Set by a task token: whose task it is, and that it may see this task only. */
  readonly grant: { readonly owner: string; readonly taskId: string } | undefined;
  /** Made while the request is checked, for the executor. */
  call: PreparedCall | undefined;
  /** Of the task that was begun for this request. */
  taskId: string | undefined;
  /** HTTP status in place of the protocol's 200: what is not a success is not charged. */
  failedStatus: number | undefined;

  constructor({ paid, endpointSkill, grant }: Pick<Caller, "paid" | "endpointSkill" | "grant">) {
    this.paid = paid;
    this.endpointSkill = endpointSkill;
    this.grant = grant;
  }

  get isAuthenticated(): boolean {
    return this.userName !== "";
  }

  /** The owner of the tasks that it makes and sees; empty for nobody in particular. */
  get userName(): string {
    return this.paid?.payer ?? this.grant?.owner ?? "";
  }
}

/** @throws TypeError for a context that was not made here */
export function callerOf(context: ServerCallContext): Caller {
  if (context.user instanceof Caller) return context.user;
  throw new TypeError("the request has no caller");
}

/** What tasks and their events are kept apart by. */
export function ownerOf(context: ServerCallContext): string {
  return callerOf(context).userName;
}

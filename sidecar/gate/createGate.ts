import { canonicalPath, PATH_PROBLEMS } from "../pricing/canonicalPath.ts";
import type { Route } from "../pricing/Route.ts";
import type { RouteTable } from "../pricing/RouteTable.ts";
import { SidecarError } from "../SidecarError.ts";
import type { Way } from "../ways/Way.ts";
import { Exchanges } from "./Exchanges.ts";
import type { Gate } from "./Gate.ts";
import { NO_METRICS } from "./GateMetrics.ts";
import { GATE_LIMITS } from "./GateOptions.ts";
import type { GateOptions } from "./GateOptions.ts";
import { hashWithoutBody } from "./hashRequest.ts";
import type { Asked } from "./matchRequirement.ts";
import { Offers } from "./Offers.ts";
import { RecentAnswers } from "./RecentAnswers.ts";
import { refusalOf } from "./refusalOf.ts";
import { headerOf } from "./RequestContext.ts";
import type { RequestContext } from "./RequestContext.ts";
import type { BodyReader, RequestHead } from "./RequestHead.ts";
import type { Refusal, Verdict } from "./Sale.ts";
import { Sweeper } from "./Sweeper.ts";
import { Till } from "./Till.ts";

/** Headers by which frameworks replace what the request line says: each with what it has to agree with. */
const OVERRIDES: readonly (readonly [name: string, of: "method" | "target"])[] = [
  ["x-original-url", "target"],
  ["x-rewrite-url", "target"],
  ["x-http-method-override", "method"],
  ["x-http-method", "method"],
  ["x-method-override", "method"],
];

/** What a gate holds at a moment: every number has a limit. */
export interface GateLoad {
  readonly exchanges: number;
  readonly verifying: number;
  readonly waiters: number;
  readonly recentBytes: number;
}

/** A gate that clears up behind itself. Its ledger and ways belong to the caller, and are stopped after it. */
export interface RunningGate extends Gate {
  /** Looks at what a crash left behind, now and from time to time. */
  start(): void;
  /** Ends the clearing up; sales that are under way are their holders' to end. */
  stop(): Promise<void>;
  /** One look at everything unfinished. @returns how many payments are left in doubt */
  sweep(): Promise<number>;
  /** Once it is started: looks at it at once, because something has come up that may know (a way that was not ready before). */
  sweepSoon(): void;
  load(): GateLoad;
}

type Refused = Extract<Verdict, { kind: "refused" }>;

const refused = (refusal: Refusal): Refused => ({ kind: "refused", refusal });

/** The gate of docs/SIDECAR.md sections 4 to 6. */
export function createGate(options: GateOptions): RunningGate {
  const { ways, prices, ledger, log, baseUrl = "", answerHeaders = { of: () => [] }, metrics = NO_METRICS, now = Date.now } = options;
  const limits = { ...GATE_LIMITS, ...options.limits };
  const exchanges = new Exchanges(limits);
  const recent = new RecentAnswers(limits.recentBytes);
  const books = { ledger, exchanges, recent, answerHeaders, metrics, log };
  const sweeper = new Sweeper(books, new Map(ways.map((way: Way) => [way.name, way])), now);
  const offersOf = new WeakMap<Route, Offers>();
  const epoch = { value: 0 };
  const freeOf = new WeakMap<Route, Verdict>();
  const ambiguous = new Map(PATH_PROBLEMS.map((problem) => [problem, refused(refusalOf(new SidecarError("door/path", { ...problem })))]));
  const unknownRoute = new Map<string, Refused>();
  const otherMethod = refused(refusalOf(new SidecarError("route/unknown", { method: "other" })));
  const till = new Till({ books, sweeper, limits, now, askedFor });

  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<unknown> | undefined;
  let isStarted = false;
  let isStopping = false;
  /** Asked for while a sweep ran: that one may have looked before there was something to see. */
  let isAskedFor = false;
  let doubtMs = limits.doubtMs;

  function offers(route: Route): Offers {
    let found = offersOf.get(route);
    if (found === undefined) {
      found = new Offers(route, ways, baseUrl, log, epoch);
      offersOf.set(route, found);
    }
    return found;
  }

  function askedFor({ route, head, path }: RequestContext): readonly Asked[] {
    const current = offers(route).asked;
    const [, ...replaced] = prices.quoted(now());
    if (replaced.length === 0) return current;
    const earlier = (table: RouteTable): readonly Asked[] => {
      const before = table.find(head.method, path);
      return before === undefined || before.isFree ? [] : offers(before).asked;
    };
    return [...current, ...replaced.flatMap(earlier)];
  }

  function unknown(method: string): Refused {
    metrics.refused("route/unknown");
    const known = unknownRoute.get(method);
    if (known !== undefined) return known;
    // Made for a few methods; whoever makes up more of them gets the common one.
    if (unknownRoute.size >= 16 || method.length > 16) return otherMethod;
    const made = refused(refusalOf(new SidecarError("route/unknown", { method })));
    unknownRoute.set(method, made);
    return made;
  }

  function overridden(head: RequestHead): Verdict | undefined {
    for (const [name, of] of OVERRIDES) {
      const value = head.headers[name];
      if (value !== undefined && value !== head[of]) {
        metrics.refused("door/path");
        return refused(refusalOf(new SidecarError("door/path", { problem: `the header ${name} says something else than the request line` })));
      }
    }
    return undefined;
  }

  function unpaid(head: RequestHead, route: Route): Verdict {
    metrics.unpaid();
    if (head.headers["agnt2-want"] === "request-hash") {
      const hashed = hashWithoutBody(head);
      if (hashed !== undefined) return refused(offers(route).named({ target: head.target, requestHash: `0x${Buffer.from(hashed.requestHash).toString("hex")}` }));
    }
    return refused(offers(route).unpaid(head.target));
  }

  function refuse(route: Route, error: unknown): Verdict {
    if (error instanceof SidecarError) {
      metrics.refused(error.code);
      return refused(offers(route).refused(error));
    }
    log.error({ err: error }, "A payment could not be looked at.");
    metrics.refused("way/unavailable");
    return refused(refusalOf(new SidecarError("way/unavailable", { way: "gate", retryAfterSeconds: 5 }, { cause: error })));
  }

  function paid(request: RequestContext, signature: string | undefined, ticket: string | undefined): Verdict | Promise<Verdict> {
    try {
      if (signature !== undefined && ticket !== undefined) throw new SidecarError("payment/malformed", { problem: "two payments" });
      const verdict = signature === undefined ? till.takeTicket(request, ticket!) : till.takePayment(request, signature);
      return verdict instanceof Promise ? verdict.catch((error: unknown) => refuse(request.route, error)) : verdict;
    } catch (error) {
      return refuse(request.route, error);
    }
  }

  async function sweep(): Promise<number> {
    epoch.value += 1;
    const left = await sweeper.sweep(() => isStopping);
    while (!isStopping && (await ledger.maintain()));
    return left;
  }

  /** What is in doubt is looked at again soon, then less and less often. */
  function pauseAfter(left: number): number {
    const pauseMs = left > 0 ? Math.min(doubtMs, limits.sweepMs) : limits.sweepMs;
    doubtMs = left > 0 ? 2 * pauseMs : limits.doubtMs;
    return pauseMs;
  }

  function schedule(): void {
    if (isStopping) return;
    isStarted = true;
    isAskedFor = false;
    clearTimeout(timer);
    sweeping = sweep()
      .catch((error: unknown) => {
        log.warn({ err: error }, "The ledger could not be looked after; it is tried again.");
        return 0;
      })
      .then((left) => {
        sweeping = undefined;
        if (isAskedFor) schedule();
        else if (!isStopping) timer = setTimeout(schedule, pauseAfter(left));
      });
  }

  function sweepSoon(): void {
    doubtMs = limits.doubtMs;
    isAskedFor = true;
    if (isStarted && sweeping === undefined) schedule();
  }

  return {
    decide(head: RequestHead, body: BodyReader): Verdict | Promise<Verdict> {
      const path = canonicalPath(head.target);
      if (typeof path !== "string") {
        metrics.refused("door/path");
        return ambiguous.get(path)!;
      }
      const other = overridden(head);
      if (other !== undefined) return other;
      const route = prices.current.find(head.method, path);
      if (route === undefined) return unknown(head.method);
      if (route.isFree) {
        metrics.free();
        let verdict = freeOf.get(route);
        if (verdict === undefined) freeOf.set(route, (verdict = { kind: "free", route }));
        return verdict;
      }
      const signature = headerOf(head, "payment-signature");
      const ticket = headerOf(head, "agnt2-call");
      if (signature === undefined && ticket === undefined) return unpaid(head, route);
      return paid({ head, body, route, offers: offers(route), path }, signature, ticket);
    },
    start: schedule,
    async stop() {
      isStopping = true;
      clearTimeout(timer);
      await sweeping;
    },
    sweep,
    sweepSoon,
    load: () => ({ exchanges: exchanges.size, verifying: till.verifying, waiters: exchanges.waiters, recentBytes: recent.bytes }),
  };
}

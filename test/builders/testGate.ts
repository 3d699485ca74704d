import { SidecarError } from "../../sidecar/SidecarError.ts";
import { refusalOf } from "../../sidecar/gate/refusalOf.ts";
import type { Gate } from "../../sidecar/gate/Gate.ts";
import type { BodyReader, RequestHead } from "../../sidecar/gate/RequestHead.ts";
import type { CancelReason, HeaderPairs, HeldAnswer, RouteLimits, Sale, SettledSale, StreamedAnswer, Verdict } from "../../sidecar/gate/Sale.ts";

/** What became of one sale. */
export interface RecordedSale {
  readonly target: string;
  readonly settles: "before" | "after";
  readonly answers: (HeldAnswer | StreamedAnswer)[];
  readonly cancels: CancelReason[];
  readonly readBody: Uint8Array | undefined;
}

export interface TestGateOptions {
  readonly route?: Partial<RouteLimits>;
  readonly settles?: "before" | "after";
  /** For the body. Default: any time. */
  readonly bodyMs?: number;
  readonly bodyDigest?: (head: RequestHead) => Uint8Array | undefined;
  /** The gate reads bodies up to so much before it says yes. */
  readonly readsBody?: number;
  /** What `settle` says; default: paid. */
  readonly settle?: (answer: HeldAnswer | StreamedAnswer) => Promise<SettledSale>;
  /** What is awaited before a paid request is let in. */
  readonly verifying?: () => Promise<void>;
}

export interface TestGate extends Gate {
  readonly sales: RecordedSale[];
  decisions: number;
}

const PAID: HeaderPairs = [["PAYMENT-RESPONSE", "paid"]];

/**
 * A gate whose money is a header: targets under /free are free, `Payment-Signature: ok` pays for any other, without it a 402 comes;
 * `Payment-Signature: again` gets the first sale's answer once more. It remembers each sale and how it ended.
 */
export function testGate(options: TestGateOptions = {}): TestGate {
  const settles = options.settles ?? "after";
  const route: RouteLimits = {
    timeoutMs: 5_000,
    maxBodyBytes: 1 << 26,
    holdBytes: 1 << 20,
    isStream: settles === "before",
    isCharged: (status) => status < 400,
    ...options.route,
  };
  const unpaid: Verdict = { kind: "refused", refusal: { status: 402, headers: [["PAYMENT-REQUIRED", "pay"]], body: Buffer.from('{"error":"pay"}') } };
  const gate: TestGate = {
    sales: [],
    decisions: 0,
    decide(head: RequestHead, body: BodyReader): Verdict | Promise<Verdict> {
      gate.decisions++;
      if (head.target.startsWith("/free")) return { kind: "free", route };
      const payment = head.headers["payment-signature"];
      if (payment === undefined) return unpaid;
      if (payment === "again") return { kind: "repeated", answer: gate.sales[0]!.answers[0] as HeldAnswer };
      if (payment !== "ok") return { kind: "refused", refusal: refusalOf(new SidecarError("payment/malformed", { problem: "not ok" })) };
      return sell(head, body);
    },
  };

  async function sell(head: RequestHead, body: BodyReader): Promise<Verdict> {
    await options.verifying?.();
    const readBody = options.readsBody === undefined ? undefined : await body.read(options.readsBody);
    const recorded: RecordedSale = { target: head.target, settles, answers: [], cancels: [], readBody };
    gate.sales.push(recorded);
    const sale: Sale = {
      way: "exact",
      payer: "0x00000000000000000000000000000000000000aa",
      amount: 7n,
      settles,
      bodyDigest: options.bodyDigest?.(head),
      bodyMs: options.bodyMs ?? Infinity,
      upstreamHeaders: [["Agnt2-Payer", "0x00000000000000000000000000000000000000aa"], ["Agnt2-Amount", "7"], ["Agnt2-Way", "exact"]],
      settle(answer) {
        recorded.answers.push(answer);
        return options.settle?.(answer) ?? Promise.resolve({ kind: "paid", headers: PAID });
      },
      async cancel(reason) {
        recorded.cancels.push(reason);
      },
    };
    return { kind: "sold", sale, route };
  }
  return gate;
}

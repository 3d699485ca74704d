import { expect } from "chai";

import { encodeTicket } from "../../../sdk/x402/ticket.ts";
import { SidecarError } from "../../../sidecar/SidecarError.ts";
import type { Way } from "../../../sidecar/ways/Way.ts";
import type { Verdict } from "../../../sidecar/gate/Sale.ts";
import { remainsOf } from "./remainsOf.ts";
import type { Remains } from "./remainsOf.ts";
import { pay, requiredOf, saleOf, Shop, until } from "./Shop.ts";

type WayName = "exact" | "call" | "channel";

/** Steps of a sale in their order, and what its buyer gets who asks again: served (again), the answer that was kept, or a refusal. */
const STEPS: readonly (readonly [step: string, exact: string, call: string, repeatableCall: string])[] = [
  ["before verify", "served", "served", "served"],
  ["before claim", "served", "served", "served"],
  // The service may have run: what may not run twice is given back.
  ["after claim", "served", "payment/released", "served"],
  ["before answered", "served", "payment/released", "served"],
  // The answer is written: it is paid, and given out.
  ["before settle", "kept", "kept", "kept"],
  ["after settle", "kept", "kept", "kept"],
  ["before settled", "kept", "kept", "kept"],
  ["after settled", "kept", "kept", "kept"],
  ["before release", "served", "payment/released", "served"],
  ["after release", "served", "payment/released", "payment/no-call"],
  ["before released", "served", "payment/released", "payment/no-call"],
  ["after released", "served", "payment/released", "payment/released"],
];

const headersOf = (shop: Shop, way: WayName, method: string, target: string): Record<string, string> => {
  const accepted = requiredOf(shop.ask({ method, target }) as Verdict).accepts.find(({ scheme }) => scheme === (way === "exact" ? way : `agnt2-${way}`))!;
  return pay(accepted, { id: "1", until: 5_000, ticket: encodeTicket(new Uint8Array(16).fill(7)) });
};

/** Sells until the step, and what is there then. */
async function killedAt(step: string, way: WayName, method: string, target: string): Promise<Remains> {
  const shop = new Shop();
  let remains: Remains | undefined;
  const at = (name: string): Promise<never> | undefined => {
    if (name !== step) return undefined;
    remains = remainsOf(shop);
    return new Promise(() => undefined);
  };
  shop[way].before = (what) => at(`before ${what}`);
  shop[way].after = (what) => at(`after ${what}`);
  const ledger = shop.ledger as unknown as Record<string, (...args: unknown[]) => Promise<void>>;
  for (const name of ["claim", "answered", "settled", "released"]) {
    const write = ledger[name]!;
    ledger[name] = async (...args) => {
      await at(`before ${name}`);
      await write(...args);
      await at(`after ${name}`);
    };
  }
  const run = async (): Promise<void> => {
    const sale = saleOf(await shop.ask({ method, target, headers: headersOf(shop, way, method, target) }));
    if (/releas/.test(step)) await sale.cancel("upstream-failed");
    else await sale.settle(shop.serve());
  };
  void run();
  await until(() => remains !== undefined);
  await shop.close();
  return remains!;
}

/** What the buyer gets of a new process; money and ledger agree then. */
async function askAgain(remains: Remains, way: WayName, method: string, target: string, isSweptFirst: boolean): Promise<string> {
  const shop = new Shop(remains);
  try {
    if (isSweptFirst) expect(await shop.gate.sweep()).to.equal(0);
    const headers = headersOf(shop, way, method, target);
    const results = await Promise.all([shop.buy({ method, target, headers }), shop.buy({ method, target, headers })]);
    await until(() => shop.gate.load().exchanges === 0);
    expect(results[0].text).to.equal(results[1].text);
    const { moved, twice } = shop.money[way];
    expect(twice).to.deep.equal([]);
    const total = shop.ledger.totals().find((one) => one.way === way && one.payer === undefined);
    expect([moved.size, [...moved.values()].reduce((sum, { amount }) => sum + amount, 0n)]).to.deep.equal([total?.count ?? 0, total?.amount ?? 0n]);
    const isSold = results.some(({ verdict }) => verdict.kind === "sold");
    expect(shop.served).to.equal(isSold ? 1 : 0);
    return isSold ? "served" : results[0].text.replace("answer 1", "kept");
  } finally {
    await shop.close();
  }
}

describe("gate: killed between two steps of a sale", () => {
  const KINDS = [
    ["exact", "POST", "/work", 1],
    ["call", "POST", "/work", 2],
    ["channel", "POST", "/work", 2],
    ["call", "GET", "/thing/1", 3],
  ] as const;
  for (const [way, method, target, column] of KINDS) {
    it(`${way}, ${method}: paid once at most, served once for it, and every step has its outcome`, async () => {
      for (const isSweptFirst of [true, false]) {
        const outcomes: unknown[] = [];
        for (const [step] of STEPS) outcomes.push([step, await askAgain(await killedAt(step, way, method, target), way, method, target, isSweptFirst)]);
        expect(outcomes).to.deep.equal(STEPS.map((row) => [row[0], row[column]]));
      }
    });
  }

  it("sweep: gives back what could not be given back while the way was away, and tells how much is left", async () => {
    let shop = new Shop();
    shop.call.before = (step) => {
      if (step === "release") throw new Error("away");
    };
    const headers = headersOf(shop, "call", "POST", "/work");
    await saleOf(await shop.ask({ headers })).cancel("upstream-failed");
    expect(shop.ledger.find("call:1")!.state).to.equal("releasing");
    expect(await shop.gate.sweep()).to.equal(1);
    shop = await shop.restart();
    expect(await shop.gate.sweep()).to.equal(0);
    expect(shop.ledger.find("call:1")!.state).to.equal("released");
    expect([...shop.money.call.released]).to.deep.equal(["call:1"]);
    await shop.close();
  });

  it("sweep: a claimed payment whose buyer never came back is given back after its expiry", async () => {
    let shop = new Shop();
    const headers = headersOf(shop, "call", "GET", "/thing/1");
    saleOf(await shop.ask({ method: "GET", target: "/thing/1", headers }));
    shop = await shop.restart();
    await shop.gate.sweep();
    expect(shop.ledger.find("call:1")!.state).to.equal("claimed");
    shop.nowMs = 5_061_000;
    await shop.gate.sweep();
    expect(shop.ledger.find("call:1")!.state).to.equal("released");
    await shop.close();
  });

  it("answered: what is given back after all is never taken for a payment, whenever it was killed", async () => {
    // As calls and channels are asked: that something is over can be seen, and not how.
    const blind = (shop: Shop): void => {
      shop.call.outcome = async ({ key }) => (shop.money.call.moved.has(key) || shop.money.call.released.has(key) ? "settled" : "open");
    };
    for (const step of ["before releasing", "after releasing", "before release", "after release", "before released", "after released"]) {
      for (const isSwept of [true, false]) {
        let remains: Remains | undefined;
        let shop = new Shop(isSwept ? await killedAt("before settle", "call", "POST", "/work") : {});
        blind(shop);
        const at = (name: string): Promise<never> | undefined => {
          if (name !== step) return undefined;
          remains = remainsOf(shop);
          return new Promise(() => undefined);
        };
        const write = shop.ledger.released;
        (shop.ledger as { released: typeof write }).released = async (key, to) => {
          await at(`before ${to}`);
          await write(key, to);
          await at(`after ${to}`);
        };
        shop.call.before = (what) => {
          if (what === "settle") throw new SidecarError("payment/unsettled", { reason: "not open" });
          return at(`before ${what}`);
        };
        shop.call.after = (what) => at(`after ${what}`);
        void (isSwept ? shop.gate.sweep() : shop.buy({ headers: headersOf(shop, "call", "POST", "/work") }));
        await until(() => remains !== undefined);
        await shop.close();
        shop = new Shop(remains);
        blind(shop);
        // Where nothing of it was written the answer is still due, and nobody has given it back.
        const isDue = step === "before releasing";
        expect(await shop.gate.sweep()).to.equal(0);
        expect([step, shop.ledger.find("call:1")!.state, shop.money.call.moved.size, shop.ledger.totals().length > 0]).to.deep.equal([step, isDue ? "settled" : "released", isDue ? 1 : 0, isDue]);
        await shop.close();
      }
    }
  });

  it("answered: what has ended by then is not written as due", async () => {
    const shop = new Shop();
    (shop.call as Way).hold = () => false;
    const { text } = await shop.buy({ headers: headersOf(shop, "call", "POST", "/work") });
    expect([text, shop.ledger.find("call:1")!.state, shop.call.calls.settle, shop.call.calls.release]).to.deep.equal(["payment/unsettled", "released", 0, 1]);
    await shop.close();
  });

  for (const isRunning of [true, false]) {
    it(`start: looks again at once when a way has come up ${isRunning ? "during" : "after"} a look`, async () => {
      const shop = new Shop({ ...(await killedAt("after settle", "call", "POST", "/work")), limits: { doubtMs: 600_000, sweepMs: 600_000 } });
      let isUp = false;
      let looks = 0;
      shop.call.before = (step) => {
        if (step === "outcome" && !isUp) throw new SidecarError("way/unavailable", { way: "call", retryAfterSeconds: 1 });
      };
      const { maintain } = shop.ledger;
      (shop.ledger as { maintain: typeof maintain }).maintain = () => maintain().finally(() => (looks += 1));
      shop.gate.sweepSoon();
      expect(shop.call.calls.outcome).to.equal(0);
      shop.gate.start();
      await until(() => (isRunning ? shop.call.calls.outcome : looks) === 1);
      await new Promise((resolve) => setImmediate(resolve));
      isUp = true;
      shop.gate.sweepSoon();
      await until(() => shop.ledger.find("call:1")!.state === "settled");
      await shop.gate.stop();
      const { outcome } = shop.call.calls;
      shop.gate.sweepSoon();
      expect([outcome, shop.call.calls.outcome]).to.deep.equal([2, 2]);
      await shop.close();
    });
  }

  it("start: what is in doubt is looked at again soon, and less and less often", async () => {
    const shop = new Shop({ ...(await killedAt("after settle", "call", "POST", "/work")), limits: { doubtMs: 1, sweepMs: 600_000 } });
    const times: number[] = [];
    shop.call.before = (step) => {
      if (step !== "outcome") return;
      times.push(performance.now());
      if (times.length < 7) throw new SidecarError("way/unavailable", { way: "call", retryAfterSeconds: 1 });
    };
    shop.gate.start();
    await until(() => shop.ledger.find("call:1")!.state === "settled");
    expect(times).to.have.length(7);
    // 1, 2, 4, 8, 16, 32.
    expect(times.at(-1)! - times[0]!).to.be.above(50);
    await shop.close();
  });

  it("start: clears up by itself, and stop ends that", async () => {
    const shop = new Shop(await killedAt("after settle", "exact", "POST", "/work"));
    shop.gate.start();
    await until(() => shop.ledger.find("exact:1")!.state === "settled");
    await shop.close();
  });
});

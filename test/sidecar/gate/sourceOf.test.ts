import { expect } from "chai";

import { sourceOf } from "../../../sidecar/gate/sourceOf.ts";
import { codeOf, pay, requiredOf, Shop, until } from "./Shop.ts";
import type { Verdict } from "../../../sidecar/gate/Sale.ts";
import { MiddlewareRequest } from "../../../sidecar/middleware/MiddlewareRequest.ts";

describe("gate: limits from one address", () => {
  it("sourceOf: of IPv6 the network of 64 bits, of IPv4 the address", () => {
    expect(sourceOf("203.0.113.7")).to.equal("203.0.113.7");
    expect(sourceOf("::ffff:203.0.113.7")).to.equal("::ffff:203.0.113.7");
    expect(sourceOf(undefined)).to.equal("");
    for (const one of ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2:3::"]) expect(sourceOf(one)).to.equal("2001:db8:1:2::/64");
    expect(sourceOf("2001:db8:1:3::1")).to.equal("2001:db8:1:3::/64");
    expect(sourceOf("2001:db8::1")).to.equal("2001:db8:0:0::/64");
    expect(sourceOf("fe80::1%eth0")).to.equal("fe80:0:0:0::/64");
    expect(sourceOf("::1")).to.equal("0:0:0:0::/64");
  });

  it("decide: who has a network of IPv6 addresses verifies no more at once than who has one", async () => {
    const shop = new Shop({ limits: { maxVerifyingPerAddress: 2 } });
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    shop.exact.before = () => held;
    const accepted = requiredOf(shop.ask() as Verdict).accepts.find(({ scheme }) => scheme === "exact")!;
    const ask = (id: number): Promise<Verdict> => {
      const seen = new MiddlewareRequest({ socket: { remoteAddress: `2001:db8::${id}` } } as never, false);
      return shop.askLater({ headers: pay(accepted, { id: String(id) }), address: seen.remoteAddress });
    };
    const first = [ask(1), ask(2)];
    await until(() => shop.gate.load().verifying === 2);
    expect(codeOf(await ask(3))).to.equal("door/busy");
    go();
    expect((await Promise.all(first)).map(({ kind }) => kind)).to.deep.equal(["sold", "sold"]);
    await shop.close();
  });
});

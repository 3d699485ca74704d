import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { stageBuyer } from "../../builders/buyerStage.ts";
import { STUB_ASSET, STUB_NETWORK, startSellerStub } from "../../builders/sellerStub.ts";
import type { SellerStub } from "../../builders/sellerStub.ts";
import { pause, until } from "../../builders/until.ts";

const PROGRAM = join(import.meta.dirname, "..", "..", "builders", "buyerProcess.ts");
const KILLS = Number(process.env["KILLS"] ?? 1);

describe("sidecar/outbound: kill -9", function () {
  this.timeout(60_000 + 10_000 * KILLS);
  let dir: string;
  const children = new Set<ChildProcess>();

  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "agnt2-killed-"))));
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  });

  function run(origin: string, stall = "none"): { readonly said: () => string; readonly kill: () => Promise<void> } {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, dir, origin, stall], { stdio: ["ignore", "pipe", "inherit"] });
    children.add(child);
    let said = "";
    child.stdout!.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return {
      said: () => said,
      kill: async () => {
        child.kill("SIGKILL");
        await ended;
        children.delete(child);
      },
    };
  }

  it("buyer: a reserve without a signature counts until the next start, which frees it", async () => {
    const stub = await startSellerStub();
    const child = run(stub.origin, "sign");
    await until("four are reserved", () => child.said().split("reserved").length === 5);
    await child.kill();
    expect(stub.payments).to.have.length(0);
    const stage = stageBuyer({}, dir);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.be.oneOf([4_000n, 0n]);
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list().map(({ state }) => state)).to.deep.equal(["dead", "dead", "dead", "dead"]);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET)).to.deep.equal({ inAll: 0n, today: 0n });
    await stage.buyer.stop();
    await stub.stop();
  });

  it("buyer: a payment that is out counts as spent until it cannot be played any more", async () => {
    const stub: SellerStub = await startSellerStub(({ payment, ask }) => (payment === undefined ? ask() : undefined));
    const child = run(stub.origin);
    await until("four are out", () => stub.payments.length >= 4);
    await child.kill();
    const stage = stageBuyer({}, dir);
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list().map(({ state }) => state)).to.deep.equal(["open", "open", "open", "open"]);
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).today).to.equal(4_000n);
    // The seller plays two of them.
    for (const { nonce } of stub.payments.slice(0, 2)) stage.reader.used.add(nonce);
    stage.reader.blockTime = Math.floor(Date.now() / 1000) + 3_600;
    await stage.buyer.settle();
    expect(stage.buyer.receipts.list().map(({ state }) => state).sort()).to.deep.equal(["dead", "dead", "paid", "paid"]);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 2_000n, count: 2 });
    await stage.buyer.stop();
    await stub.stop();
  });

  it("buyer: killed at any moment, its receipts have each payment that ever left it, once, and the sums are what left the account", async () => {
    const settled = new Set<string>();
    const stub = await startSellerStub(({ payment, ask, sell }) => {
      if (payment === undefined) return ask();
      settled.add(payment.nonce);
      sell();
    });
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = settled.size;
      const child = run(stub.origin);
      await until("it buys", () => settled.size > before);
      await pause(Math.random() * 150);
      await child.kill();
    }
    const stage = stageBuyer({}, dir);
    for (const nonce of settled) stage.reader.used.add(nonce);
    stage.reader.blockTime = Math.floor(Date.now() / 1000) + 3_600;
    await stage.buyer.settle();
    const receipts = stage.buyer.receipts.list({ limit: 1_000_000 });
    const paid = receipts.filter(({ state }) => state === "paid").map(({ key }) => key.split(":").at(-1)!);
    expect(new Set(paid)).to.deep.equal(settled);
    expect(paid.length).to.equal(settled.size);
    expect(receipts.filter(({ state }) => state !== "paid" && state !== "dead")).to.have.length(0);
    expect(stage.buyer.receipts.sums()[0]).to.include({ amount: 1_000n * BigInt(settled.size), count: settled.size });
    expect(stage.buyer.spent(STUB_NETWORK, STUB_ASSET).inAll).to.equal(1_000n * BigInt(settled.size));
    await stage.buyer.stop();
    await stub.stop();
  });
});

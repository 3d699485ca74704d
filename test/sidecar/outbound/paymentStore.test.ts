import { expect } from "chai";

import type { Receipt } from "../../../sidecar/outbound/Receipt.ts";
import { PaymentStore } from "../../../sidecar/outbound/store/PaymentStore.ts";
import { temporaryFolder } from "../../builders/loneCore.ts";

const NETWORK = "eip155:31337";
const ASSET = `0x${"00".repeat(20)}`;
const CHANNEL = `0x${"c1".repeat(32)}`;

function receiptOf(id: number, amount: bigint): Receipt {
  return {
    id, time: 1_800_000_000_000, host: "agent.example", payee: ASSET, method: "GET", url: "http://agent.example/quote", queryHash: "", way: "channel", network: NETWORK, asset: ASSET, amount,
    state: "open", key: `channel:${CHANNEL}:${id}`, expiresAt: 0, payload: "", requestHash: "", answerHash: "", status: 0, attestation: "",
  };
}

describe("payment store", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let store: PaymentStore;
  beforeEach(() => {
    folder = temporaryFolder("payments");
    store = PaymentStore.open(folder.path);
  });
  afterEach(() => {
    store.close();
    folder.remove();
  });
  const reopen = (): void => {
    store.close();
    store = PaymentStore.open(folder.path);
  };

  it("receipts that change before they are written: are written once, as they ended, and counted so", () => {
    for (const [id, amount] of [[1, 5n], [2, 7n], [3, 11n]] as const) store.addLater(receiptOf(id, amount));
    store.changeLater(1, { state: "paid", status: 200, answerHash: "0xaa" });
    store.changeLater(2, { state: "dead", amount: 0n });
    reopen();
    store.changeLater(3, { state: "paid", status: 200 });
    reopen();
    expect(store.list().map(({ id, state, status, amount }) => [id, state, status, amount])).to.deep.equal([[3, "paid", 200, 11n], [2, "dead", 0, 0n], [1, "paid", 200, 5n]]);
    expect(store.sums()).to.deep.equal([{ network: NETWORK, asset: ASSET, way: "channel", amount: 16n, count: 2 }]);
    expect([store.paidByChannel(CHANNEL), store.unsettled().length, store.newId()]).to.deep.equal([16n, 0, 4]);
  });

  it("a change that must be on disk: waits for the receipt that it changes too", async () => {
    store.addLater(receiptOf(1, 5n));
    await store.change(1, { state: "paid", status: 200 });
    const other = new (await import("node:sqlite")).DatabaseSync(`${folder.path}/outbound.sqlite`, { readOnly: true });
    expect(other.prepare("SELECT id, state FROM payments").all()).to.deep.equal([Object.assign(Object.create(null) as object, { id: 1, state: "paid" })]);
    other.close();
  });

  it("a disk that refuses: keeps what nobody waits for, tells who waits, and goes on", async () => {
    store.addLater(receiptOf(1, 5n));
    const blocker = new (await import("node:sqlite")).DatabaseSync(`${folder.path}/outbound.sqlite`);
    blocker.exec("BEGIN IMMEDIATE");
    const refused = await store.change(1, { state: "paid" }).then(() => "none", (error: { code: string }) => error.code);
    blocker.exec("ROLLBACK");
    blocker.close();
    expect(refused).to.equal("buy/store");
    store.changeLater(1, { status: 200 });
    reopen();
    expect(store.get(1)).to.include({ id: 1, state: "paid", status: 200, amount: 5n });
  });
});

import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { expect } from "chai";

import { INVOKE_FLAG, OP } from "../../../core/generated/protocol.ts";
import { encodeRecord, fromHex } from "../../../core/codec/index.ts";
import { bundleDigest, recordsHash } from "../../../core/codec/bundle.ts";
import { addressOfKey, signDigest } from "../../../runtime/crypto/secp.ts";
import { LiveSequencer, openAccounts, writeDeployment } from "../../builders/liveSequencer.ts";
import { bundleOf, temporaryFolder, testKey, transfers } from "../../builders/loneCore.ts";
import type { BundleRecord } from "../../builders/signedBundle.ts";
import { TEST_DOMAIN } from "../../builders/TestRollup.ts";

const [ALICE, BOB, CAROL, GUEST] = [1, 2, 3, 50].map(testKey) as [string, string, string, string];
const KEYS = [ALICE, BOB, CAROL];
const FUNDS = 1_000_000;
const HASH = new Uint8Array(32).fill(7);
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

describe("sequencer misuse", function () {
  this.timeout(60_000);
  const folder = temporaryFolder("misuse");
  const data = join(folder.path, "data");
  const deployment = join(folder.path, "deployment.json");
  const nonces = [0, 0, 0, 0];
  let live: LiveSequencer;

  before(async () => {
    await openAccounts(data, KEYS, FUNDS);
    writeDeployment(deployment);
    live = await LiveSequencer.start(data, deployment);
  });
  after(async () => {
    await live.end();
    folder.remove();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(live.output.slice(-3000));
  });

  /** Runs records of an account, signed by its owner unless another key is given; the code of each outcome, and what the first good one made. */
  async function run(agent: number, records: readonly BundleRecord[], key = KEYS[agent - 1] ?? ""): Promise<{ codes: string[]; slot: number; id: number }> {
    const { status, body } = await live.post(bundleOf(key, agent, nonces[agent] ?? 0, records));
    if (body.results === undefined) return { codes: [body.error?.code ?? `HTTP ${status}`], slot: 0, id: 0 };
    nonces[agent] = (nonces[agent] ?? 0) + 1;
    const { slot, id } = body.results.find(({ code }) => code === "OK") ?? { slot: 0, id: 0 };
    return { codes: body.results.map(({ code }) => code), slot, id };
  }
  const invoke = (fields: Partial<Record<string, number>> = {}): BundleRecord => ({ op: "INVOKE", fields: { provider: 2, price: 100, deadline: nowSeconds() + 600, inputHash: HASH, ...fields } }) as BundleRecord;
  const respond = (slot: number, id: number, status = 0): BundleRecord => ({ op: "RESPOND", fields: { status, slot, id, outputHash: HASH } });
  const on = (op: "ACCEPT" | "REJECT" | "TIMEOUT" | "COMPOSE" | "CLAIM", slot: number, id: number): BundleRecord => ({ op, fields: { slot, id } }) as BundleRecord;
  const balances = async (): Promise<number[]> => Promise.all(KEYS.map(async (_key, i) => Number((await live.get(`/v1/agents/${i + 1}`))["balance"])));
  /** What was refused moved nothing. */
  async function moved(by: readonly number[], work: () => Promise<void>): Promise<void> {
    const before = await balances();
    await work();
    expect((await balances()).map((balance, i) => balance - (before[i] ?? 0))).to.deep.equal(by);
  }

  it("call: is answered once, by its provider, and paid once", async () => {
    await moved([-100, 100, 0], async () => {
      const { slot, id } = await run(1, [invoke()]);
      expect((await run(3, [respond(slot, id)])).codes).to.deep.equal(["E_NOT_PROVIDER"]);
      expect((await run(1, [respond(slot, id)])).codes).to.deep.equal(["E_NOT_PROVIDER"]);
      expect((await run(2, [respond(slot, id), respond(slot, id)])).codes).to.deep.equal(["OK", "E_REFERENCE"]);
      expect((await run(2, [respond(slot, id, 1)])).codes).to.deep.equal(["E_REFERENCE"]);
    });
  });

  it("call under review: is answered once and settled once", async () => {
    await moved([-100, 100, 0], async () => {
      const { slot, id } = await run(1, [invoke({ flags: INVOKE_FLAG.REVIEW, reviewWindow: 600 })]);
      expect((await run(1, [on("ACCEPT", slot, id)])).codes).to.deep.equal(["E_NOT_ANSWERED"]);
      expect((await run(2, [respond(slot, id), respond(slot, id), on("ACCEPT", slot, id), on("TIMEOUT", slot, id)])).codes).to.deep.equal(["OK", "E_ANSWERED", "E_NOT_REQUESTER", "E_NOT_DUE"]);
      expect((await run(1, [on("ACCEPT", slot, id), on("ACCEPT", slot, id), on("REJECT", slot, id)])).codes).to.deep.equal(["OK", "E_REFERENCE", "E_REFERENCE"]);
    });
  });

  it("answer after the deadline: is refused, and the call refunded once", async () => {
    await moved([0, 0, 0], async () => {
      const early = await run(1, [invoke({ deadline: nowSeconds() + 600 })]);
      expect((await run(3, [on("TIMEOUT", early.slot, early.id)])).codes).to.deep.equal(["E_NOT_DUE"]);
      expect((await run(2, [respond(early.slot, early.id, 1)])).codes).to.deep.equal(["OK"]);
      const { slot, id } = await run(1, [invoke({ deadline: nowSeconds() + 2 })]);
      await pause(3_200);
      expect((await run(2, [respond(slot, id)])).codes).to.deep.equal(["E_DEADLINE"]);
      expect((await run(3, [on("TIMEOUT", slot, id), on("TIMEOUT", slot, id)])).codes).to.deep.equal(["OK", "E_REFERENCE"]);
    });
  });

  it("workflow: is composed once and each step claimed once", async () => {
    await moved([-100, 100, 0], async () => {
      const { slot: workflowSlot, id: workflowId } = await run(1, [{ op: "WORKFLOW_OPEN", fields: { expected: 1, escrow: 150, deadline: nowSeconds() + 600 } }]);
      const step = await run(1, [invoke({ flags: INVOKE_FLAG.WORKFLOW, workflowSlot, workflowId, price: 151 }), invoke({ flags: INVOKE_FLAG.WORKFLOW, workflowSlot, workflowId })]);
      expect(step.codes).to.deep.equal(["E_ESCROW", "OK"]);
      const { slot, id } = step;
      expect((await run(3, [on("COMPOSE", workflowSlot, workflowId), on("CLAIM", slot, id)])).codes).to.deep.equal(["E_WORKFLOW_PENDING", "E_WORKFLOW_PENDING"]);
      expect((await run(2, [respond(slot, id), on("ACCEPT", slot, id)])).codes).to.deep.equal(["OK", "E_NOT_REQUESTER"]);
      expect((await run(3, [on("COMPOSE", workflowSlot, workflowId), on("COMPOSE", workflowSlot, workflowId)])).codes).to.deep.equal(["OK", "E_WORKFLOW_ENDED"]);
      expect((await run(3, [on("CLAIM", slot, id), on("CLAIM", slot, id), on("COMPOSE", workflowSlot, workflowId)])).codes).to.deep.equal(["OK", "E_REFERENCE", "E_REFERENCE"]);
    });
  });

  it("withdrawal: the same bundle twice takes the money once, and no more than there is", async () => {
    const withdraw = (amount: number, to = CAROL): BundleRecord => ({ op: "WITHDRAW", fields: { recipient: to === "" ? new Uint8Array(20) : addressOfKey(fromHex(to)), amount } });
    await moved([0, 0, -40], async () => {
      const bytes = bundleOf(CAROL, 3, nonces[3] ?? 0, [withdraw(40)]);
      const first = await live.post(bytes, "rooted");
      expect(await live.post(bytes, "rooted")).to.deep.equal(first);
      nonces[3] = (nonces[3] ?? 0) + 1;
      const altered = bytes.slice();
      altered[96 + 31] = 41;
      expect((await live.post(altered)).body.error?.code).to.equal("H_NONCE");
      expect((await run(3, [withdraw(FUNDS), withdraw(0), withdraw(1, "")])).codes).to.deep.equal(["E_BALANCE", "E_AMOUNT", "E_ADDRESS"]);
      const { status } = await fetch(`${live.url}/v1/withdrawals/1`);
      expect(status, "there is one withdrawal").to.equal(404);
    });
  });

  it("amounts beyond every balance: are refused up to the last one that fits the field", async () => {
    await moved([0, 0, 0], async () => {
      const raw = encodeRecord("TRANSFER", { to: 2, amount: 1 });
      const overflows = [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - BigInt(FUNDS)].map((amount) => {
        const record = raw.slice();
        new DataView(record.buffer).setBigUint64(8, amount);
        return record;
      });
      const garbage = raw.slice().fill(1, 60);
      const unknown = new Uint8Array(96).fill(0);
      unknown[0] = 200;
      expect(await runRaw(1, [...overflows, garbage, unknown])).to.deep.equal([...overflows.map(() => "E_BALANCE"), "E_MALFORMED", "E_UNKNOWN_OP"]);
    });
  });

  it("session key: spends up to its cap, does nothing that is the owner's, and ends with its time", async () => {
    const setKey = (cap: number, expiry: number): BundleRecord => ({ op: "SET_SESSION_KEY", fields: { key: addressOfKey(fromHex(GUEST)), cap, expiry } });
    await moved([-2, 0, 2], async () => {
      expect((await run(1, [setKey(2, nowSeconds() + 600)])).codes).to.deep.equal(["OK"]);
      const records: BundleRecord[] = [...transfers(3, 3), setKey(1000, 2 ** 31), { op: "WITHDRAW", fields: { recipient: addressOfKey(fromHex(GUEST)), amount: 1 } }];
      expect((await run(1, records, GUEST)).codes).to.deep.equal(["OK", "OK", "E_SESSION_CAP", "E_OWNER_ONLY", "E_OWNER_ONLY"]);
      expect((await run(1, [setKey(2, nowSeconds() + 2)])).codes).to.deep.equal(["OK"]);
      await pause(3_200);
      expect((await run(1, transfers(3, 1), GUEST)).codes).to.deep.equal(["H_SIGNATURE"]);
      expect((await live.post(bundleOf(GUEST, 1, (nonces[1] ?? 0) + 1, transfers(3, 1)))).body.error?.code, "a gap is no way around").to.equal("H_SIGNATURE");
    });
  });

  it("after all that: a killed sequencer comes back with the same accounts and roots", async () => {
    const before = { agents: await Promise.all([1, 2, 3].map((agent) => live.get(`/v1/agents/${agent}`))), position: (await live.get("/v1/status"))["position"] };
    await live.end("SIGKILL");
    live = await LiveSequencer.start(data, deployment);
    expect({ agents: await Promise.all([1, 2, 3].map((agent) => live.get(`/v1/agents/${agent}`))), position: (await live.get("/v1/status"))["position"] }).to.deep.equal(before);
    const sum = (await balances()).reduce((total, balance) => total + balance, 0);
    expect(sum, "nothing was made or lost but for the withdrawal").to.equal(3 * FUNDS - 40);
    expect(await live.end()).to.equal(0);
    live = await LiveSequencer.start(data, deployment);
  });

  /** Records as bytes that no encoder makes. */
  async function runRaw(agent: number, records: readonly Uint8Array[]): Promise<string[]> {
    const bytes = new Uint8Array(96 * (records.length + 1));
    bytes.set(bundleOf(KEYS[agent - 1] ?? "", agent, nonces[agent] ?? 0, transfers(2, records.length)).subarray(0, 96));
    records.forEach((record, i) => bytes.set(record, 96 * (i + 1)));
    expect(records.every((record) => record[0] !== OP.HEADER)).to.equal(true);
    const digest = bundleDigest({ domainSeparator: TEST_DOMAIN, agent, nonce: nonces[agent] ?? 0, count: records.length, validUntil: 0xffffffff, recordsHash: recordsHash(bytes, 96, records.length) });
    bytes.set(signDigest(digest, fromHex(KEYS[agent - 1] ?? "")), 32);
    const { body } = await live.post(bytes);
    nonces[agent] = (nonces[agent] ?? 0) + 1;
    return body.results?.map(({ code }) => code) ?? [body.error?.code ?? ""];
  }
});

import { expect } from "chai";
import { Wallet } from "ethers";

import { bundleDigest, decodeHeader, domainSeparator, fromHex, recordsHash, recoverSigner, toHex } from "../../core/codec/index.ts";
import { encodeRecord } from "../../core/codec/record.ts";
import { SLOT_BYTES } from "../../core/generated/protocol.ts";
import { Autobundler } from "../../sdk/bundles/Autobundler.ts";
import type { AutobundlerOptions } from "../../sdk/bundles/Autobundler.ts";
import type { BundleTicket, BundleTransport, DurableAck, RootedAck } from "../../sdk/bundles/BundleTransport.ts";
import { OperationHandle } from "../../sdk/bundles/OperationHandle.ts";
import { buildBundle } from "../../sdk/buildBundle.ts";
import { createKeySigner, createTypedDataSigner } from "../../sdk/BundleSigner.ts";
import { refusalError, SdkError } from "../../sdk/SdkError.ts";

const INBOX = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const KEY = `0x${"11".repeat(32)}`;
const domain = { chainId: 31337, inbox: INBOX, separator: domainSeparator({ chainId: 31337, inbox: fromHex(INBOX) }) };
const progress = { posted: async () => ({ batch: 0 }), confirmed: async () => ({ claimId: "", stateRoot: "" }), receiptIn: () => Promise.reject(new Error("no replica")) };

/** A sequencer in memory: takes nonces in order, refuses others, and answers when told to. */
class FakeTransport implements BundleTransport {
  readonly taken: { nonce: number; count: number }[] = [];
  nonce: number;
  outcome = 0;
  /** Ids of refusals that the next bundles get, whatever their nonce. */
  readonly refusals: number[] = [];
  readonly sent: string[] = [];

  constructor(nonce: number) {
    this.nonce = nonce;
  }

  submit(bundle: Uint8Array): BundleTicket {
    const header = decodeHeader(bundle.subarray(0, SLOT_BYTES));
    this.sent.push(toHex(bundle));
    const refusal = this.refusals.shift();
    const isNext = refusal === undefined && header.nonce === this.nonce;
    const isGap = header.nonce > this.nonce;
    if (isNext) {
      this.nonce += 1;
      this.taken.push({ nonce: header.nonce, count: header.count });
    }
    const durable = new Promise<DurableAck>((resolve, reject) => {
      setImmediate(() => {
        if (!isNext) reject(refusalError(refusal ?? (isGap ? 130 : 66), "nonce"));
        const results = Array.from({ length: header.count }, (_, index) => ({ outcome: this.outcome, slot: index, id: index + 1 }));
        resolve({ level: "durable", position: 100, firstReceipt: 10, results });
      });
    });
    const rooted = durable.then((): RootedAck => ({ level: "rooted", position: 100, batchCount: 1, stateRoot: "0x" }));
    rooted.catch(() => undefined);
    return { sequenced: durable.then(() => ({ level: "sequenced" })), durable, rooted };
  }

  async close(): Promise<void> {}
}

function createBundler(transport: FakeTransport, maxRecords = 512, options: Partial<AutobundlerOptions> = {}): Autobundler {
  const readAccount = async () => ({ index: 7, nonce: transport.nonce });
  return new Autobundler({ signer: createKeySigner(KEY), domain, transport, readAccount, maxRecords, ...options });
}

function addTransfer(bundler: Autobundler): OperationHandle {
  const handle = new OperationHandle("TRANSFER", progress);
  bundler.add(encodeRecord("TRANSFER", { to: 2, amount: 5 }), handle);
  return handle;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error instanceof SdkError ? error.code : String(error);
  }
}

describe("SDK bundles", () => {
  it("buildBundle: signs what the chain recovers, with a key and with an ethers signer alike", async () => {
    const records = [encodeRecord("TRANSFER", { to: 2, amount: 5 }), encodeRecord("TRANSFER", { to: 3, amount: 6 })];
    const content = { agent: 7, nonce: 3, validUntil: 2_000_000_000, records };
    const wallet = new Wallet(KEY);
    const byKey = await buildBundle(content, createKeySigner(KEY), domain);
    const byWallet = await buildBundle(content, await createTypedDataSigner(wallet), domain);
    const header = decodeHeader(byKey.subarray(0, SLOT_BYTES));
    const hash = recordsHash(byKey, SLOT_BYTES, 2);
    const digest = bundleDigest({ domainSeparator: domain.separator, agent: 7, nonce: 3, count: 2, validUntil: 2_000_000_000, recordsHash: hash });
    expect(toHex(recoverSigner(digest, header.signatureR, header.signatureVs)!)).to.equal(wallet.address.toLowerCase());
    expect(toHex(byWallet)).to.equal(toHex(byKey));
  });

  it("buildBundle: refuses 0 and 513 records", async () => {
    const record = encodeRecord("TRANSFER", { to: 2, amount: 5 });
    const build = (count: number) => buildBundle({ agent: 1, nonce: 0, validUntil: 0, records: Array(count).fill(record) }, createKeySigner(KEY), domain);
    expect(await codeOf(build(0))).to.equal("SDK_INPUT");
    expect(await codeOf(build(513))).to.equal("SDK_INPUT");
  });

  it("autobundler: puts operations of the same moment under one signature and starts at the account's nonce", async () => {
    const transport = new FakeTransport(5);
    const bundler = createBundler(transport);
    const handles = [addTransfer(bundler), addTransfer(bundler), addTransfer(bundler)];
    const results = await Promise.all(handles.map((handle) => handle.durable));
    expect(transport.taken).to.deep.equal([{ nonce: 5, count: 3 }]);
    expect(results.map(({ receipt, position, id }) => [receipt, position, id])).to.deep.equal([[10, 100, 1], [11, 101, 2], [12, 102, 3]]);
  });

  it("autobundler: keeps the order over several bundles when more is queued than one holds", async () => {
    const transport = new FakeTransport(0);
    const bundler = createBundler(transport, 2);
    for (let i = 0; i < 5; i += 1) addTransfer(bundler);
    await bundler.drained();
    expect(transport.taken).to.deep.equal([{ nonce: 0, count: 2 }, { nonce: 1, count: 2 }, { nonce: 2, count: 1 }]);
  });

  it("autobundler: never cuts what belongs together, whatever was queued before it", async () => {
    const transport = new FakeTransport(0);
    const bundler = createBundler(transport, 4);
    const together = (count: number) =>
      Array.from({ length: count }, () => ({ record: encodeRecord("TRANSFER", { to: 2, amount: 5 }), handle: new OperationHandle("TRANSFER", progress) }));
    const groups = [together(3), together(2), together(4), together(1)];
    for (const group of groups) bundler.addTogether(group);
    await bundler.drained();
    expect(transport.taken.map(({ count }) => count)).to.deep.equal([3, 2, 4, 1]);
    for (const { handle } of groups.flat()) expect((await handle.durable).op).to.equal("TRANSFER");
  });

  it("autobundler: signs again with the chain's nonce, in order, when another program used an account that is said to be shared", async () => {
    const transport = new FakeTransport(0);
    const bundler = createBundler(transport, 1, { isShared: true });
    await addTransfer(bundler).durable;
    transport.nonce = 9;
    const handles = [addTransfer(bundler), addTransfer(bundler), addTransfer(bundler)];
    const results = await Promise.all(handles.map((handle) => handle.durable));
    expect(transport.taken.map(({ nonce }) => nonce)).to.deep.equal([0, 9, 10, 11]);
    expect(results).to.have.length(3);
  });

  it("autobundler: never signs records for a second nonce when a server says that the first was taken, and goes on with the next", async () => {
    const transport = new FakeTransport(0);
    const bundler = createBundler(transport, 1);
    await addTransfer(bundler).durable;
    transport.nonce = 9;
    expect(await codeOf(addTransfer(bundler).durable)).to.equal("H_NONCE");
    expect(transport.sent).to.have.length(2);
    await addTransfer(bundler).durable;
    expect(transport.taken.map(({ nonce }) => nonce)).to.deep.equal([0, 9]);
  });

  it("autobundler: gives up a shared account whose server finds every nonce taken", async function () {
    this.timeout(10_000);
    const transport = new FakeTransport(0);
    transport.refusals.push(...Array<number>(50).fill(66));
    expect(await codeOf(addTransfer(createBundler(transport, 1, { isShared: true })).durable)).to.equal("H_NONCE");
    expect(transport.sent.length).to.be.below(20);
  });

  for (const [name, refusal] of [["INTAKE_BUSY", 128], ["INTAKE_STOPPING", 131]] as const) {
    it(`autobundler: sends the same bytes again when a refusal is ${name}, and those behind it in their order`, async () => {
      const transport = new FakeTransport(3);
      transport.refusals.push(refusal);
      const bundler = createBundler(transport, 1);
      const handles = [addTransfer(bundler), addTransfer(bundler), addTransfer(bundler)];
      await Promise.all(handles.map((handle) => handle.durable));
      expect(transport.taken.map(({ nonce }) => nonce)).to.deep.equal([3, 4, 5]);
      // Nothing was signed twice: three bundles, and the refused one and those behind it once more.
      expect(new Set(transport.sent).size).to.equal(3);
    });
  }

  it("autobundler: keeps the nonce and signs for a later date when the chain's time has passed the first", async () => {
    const transport = new FakeTransport(4);
    transport.refusals.push(67);
    await addTransfer(createBundler(transport)).durable;
    expect(transport.taken).to.deep.equal([{ nonce: 4, count: 1 }]);
    expect(transport.sent).to.have.length(2);
  });

  it("autobundler: fails what is behind an operation that was refused for good, and goes on with a fresh nonce", async () => {
    const transport = new FakeTransport(0);
    transport.refusals.push(68, 130, 130);
    const bundler = createBundler(transport, 1);
    const handles = [addTransfer(bundler), addTransfer(bundler), addTransfer(bundler)];
    expect(await Promise.all(handles.map((handle) => codeOf(handle.durable)))).to.deep.equal(["H_SIGNATURE", "SDK_BEHIND", "SDK_BEHIND"]);
    await addTransfer(bundler).durable;
    expect(transport.taken).to.deep.equal([{ nonce: 0, count: 1 }]);
  });

  it("autobundler: gives a signer so long and no longer", async () => {
    const signer = { ...createKeySigner(KEY), signBundle: () => new Promise<never>(() => undefined) };
    const bundler = createBundler(new FakeTransport(0), 1, { signer, signMs: 30 });
    expect(await codeOf(addTransfer(bundler).durable)).to.equal("SDK_SIGNER");
  });

  it("operation handle: rejects durable and rooted with the outcome's code when the chain rejects the operation", async () => {
    const transport = new FakeTransport(0);
    transport.outcome = 4;
    const handle = addTransfer(createBundler(transport));
    expect(await codeOf(handle.durable)).to.equal("E_BALANCE");
    expect(await codeOf(handle.rooted)).to.equal("E_BALANCE");
  });

  it("operation handle: tells when the proven receipt is not of this operation, or says something else than the answer did", async () => {
    const truth = { outcome: 0, agent: 7, nonce: 0, index: 0, slot: 0, id: 1 };
    const op = Number(encodeRecord("TRANSFER", { to: 2, amount: 5 })[0]);
    for (const [lie, code] of [[{}, "none"], [{ outcome: 4 }, "SDK_BAD_PROOF"], [{ agent: 8 }, "SDK_BAD_PROOF"], [{ nonce: 1 }, "SDK_BAD_PROOF"], [{ id: 2 }, "SDK_BAD_PROOF"], [{ op: 1 }, "SDK_BAD_PROOF"]] as const) {
      const fields = { ...truth, op, ...lie };
      const receiptIn = async () => ({ kind: "RECEIPT" as const, index: 10, fields, leaf: [], siblings: [], stateRoot: "0x", batchCount: 1 });
      const handle = new OperationHandle("TRANSFER", { ...progress, receiptIn });
      createBundler(new FakeTransport(0)).add(encodeRecord("TRANSFER", { to: 2, amount: 5 }), handle);
      expect(await codeOf(handle.proven()), JSON.stringify(lie)).to.equal(code);
    }
  });

  it("autobundler: refuses operations with SDK_CLOSED when it is closed", async () => {
    const bundler = createBundler(new FakeTransport(0));
    const before = addTransfer(bundler);
    bundler.close();
    expect(await codeOf(before.durable)).to.equal("SDK_CLOSED");
    expect(await codeOf(addTransfer(bundler).durable)).to.equal("SDK_CLOSED");
  });
});

import { appendFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { JsonRpcApiProvider } from "ethers";
import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { KIND } from "../../core/generated/protocol.ts";
import { DerivationError } from "../../derivation/DerivationError.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica, ReplicaOptions } from "../../derivation/Replica.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";

const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const BATCHES = 6;

describe("replica's files", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let root: string;
  let full: string;
  let dir: string;
  let finalRoot: string;

  const options = (extra: Partial<ReplicaOptions> = {}): ReplicaOptions => ({ dir, deployment: rollup.deployment, onDivergence: () => undefined, ...extra });

  /** Opens a replica, lets it read what L1 has, and closes it. */
  async function run(extra: Partial<ReplicaOptions> = {}, provider: JsonRpcApiProvider = chain.provider, use?: (replica: Replica) => Promise<void> | void): Promise<string> {
    const replica = await openReplica(options(extra));
    try {
      const source = createL1Source({ provider, deployment: rollup.deployment, consumer: replica, cursors: replica.cursors, pollMs: 3_600_000, onError: () => undefined });
      await source.poll();
      await use?.(replica);
      return toHex(replica.rootAt(replica.batchCount)!);
    } finally {
      replica.close();
    }
  }

  async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
    try {
      await promise;
      return undefined;
    } catch (error) {
      return error instanceof DerivationError ? error.code : String(error);
    }
  }

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain);
    const script = scriptFor(chain, rollup);
    await script.deposit(ALICE, 10_000);
    await script.deposit(BOB, 10_000);
    for (let nonce = 0; nonce < BATCHES; nonce += 1) {
      await script.submit(script.bundle(ALICE, 1, nonce, ...Array.from({ length: 20 }, () => ({ op: "TRANSFER", fields: { to: 2, amount: 1 } }) as const)));
    }
    root = mkdtempSync(join(tmpdir(), "agnt2-files-"));
    full = join(root, "full");
    dir = full;
    finalRoot = await run({ snapshotBatches: 4 });
  });
  after(async () => {
    await chain.stop();
    rmSync(root, { recursive: true, force: true });
  });
  beforeEach(() => {
    dir = mkdtempSync(join(root, "copy-"));
    cpSync(full, dir, { recursive: true });
  });

  it("log: is cut at the last whole block wherever its end was torn", async () => {
    const size = readFileSync(join(full, "l1.log")).length;
    for (let part = 0; part < 12; part += 1) {
      cpSync(full, dir, { recursive: true });
      truncateSync(join(dir, "l1.log"), Math.floor((size * part) / 12));
      expect(await run(), `cut at ${part}/12`).to.equal(finalRoot);
    }
  });

  it("log: rubbish at its end is cut off and told", async () => {
    appendFileSync(join(dir, "l1.log"), Buffer.alloc(77, 1));
    let cutBytes = 0;
    expect(await run({ onCut: (bytes) => (cutBytes = bytes) })).to.equal(finalRoot);
    expect(cutBytes).to.equal(77);
  });

  it("snapshot: is passed over when it is damaged", async () => {
    const path = join(dir, "snapshots", "batch-4.snapshot");
    const bytes = readFileSync(path);
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect(await run()).to.equal(finalRoot);
    expect(readdirSync(join(dir, "snapshots"))).to.deep.equal([]);
  });

  it("snapshot: of another format or another chain is refused", async () => {
    const other = await deployRollupOn(chain, {});
    let code: string | undefined;
    await openReplica(options({ deployment: { ...rollup.deployment, contracts: { ...rollup.deployment.contracts, inbox: other.deployment.contracts.bridge } } })).catch((error: unknown) => {
      code = error instanceof DerivationError ? error.code : undefined;
    });
    expect(code).to.equal("derivation/format");
  });

  it("trees: what a crash took of the files after the snapshot is computed again", async () => {
    const leafFile = join(dir, "receipts.leaves");
    // Receipts at the snapshot: two deposits and twenty a batch.
    truncateSync(leafFile, 128 * (2 + 4 * 20));
    truncateSync(join(dir, "nodes", "receipts-0.nodes"), 32 * (2 + 4 * 20));
    expect(await run({}, chain.provider, (replica) => expect(replica.proveAppended(KIND.RECEIPT, 100)?.leaf).to.have.length(128) && undefined)).to.equal(finalRoot);
  });

  describe("an endpoint that lies", () => {
    const lying = (change: (method: string, answer: unknown) => unknown): JsonRpcApiProvider => {
      const provider = Object.create(chain.provider) as JsonRpcApiProvider;
      provider.send = async (method: string, params: unknown[]) => change(method, await chain.provider.send(method, params as never)) as never;
      return provider;
    };
    beforeEach(() => {
      dir = mkdtempSync(join(root, "fresh-"));
    });

    it("calldata: is refused when it does not have the stored root", async () => {
      const provider = lying((method, answer) => {
        const transaction = answer as { input: string };
        return method === "eth_getTransactionByHash" ? { ...transaction, input: transaction.input.replace(/01(0*)$/, "02$1") } : answer;
      });
      expect(await codeOf(run({}, provider))).to.equal("derivation/data");
    });

    it("calldata: of another contract's call is refused", async () => {
      const provider = lying((method, answer) => (method === "eth_getTransactionByHash" ? { ...(answer as object), to: rollup.deployment.contracts.bridge } : answer));
      expect(await codeOf(run({}, provider))).to.equal("derivation/calldata");
    });

    it("events: are refused when some are left out", async () => {
      let isFirst = true;
      const provider = lying((method, answer) => {
        if (method !== "eth_getLogs" || (answer as unknown[]).length === 0 || !isFirst) return answer;
        isFirst = false;
        return [];
      });
      expect(await codeOf(run({}, provider))).to.equal("derivation/order");
    });
  });
});

import { appendFileSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Interface } from "ethers";
import type { JsonRpcApiProvider } from "ethers";

import { inboxAbi } from "../../chain/generated/abi/Inbox.ts";
import { toHex } from "../../core/codec/index.ts";
import { KIND } from "../../core/generated/protocol.ts";
import { DerivationError } from "../../derivation/DerivationError.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { readL1Events } from "../../derivation/readL1Events.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica, ReplicaOptions } from "../../derivation/Replica.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRollupOn } from "../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../builders/rollupOnChain.ts";
import { scriptFor } from "../builders/rollupScript.ts";

const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const BATCH_DATA = new Interface(inboxAbi).getEvent("BatchData")!.topicHash;
const BATCHES = 6;

interface DataLog {
  readonly topics: readonly string[];
  readonly data: string;
}

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

    /** Changes the answers about the data of batches. */
    const lyingOfData = (change: (logs: readonly DataLog[]) => readonly DataLog[]): JsonRpcApiProvider =>
      lying((method, answer) => {
        const logs = answer as readonly DataLog[];
        return method === "eth_getLogs" && logs[0]?.topics[0] === BATCH_DATA ? change(logs) : answer;
      });

    it("data: are refused when a bit of a word is another", async () => {
      expect(await codeOf(run({}, lyingOfData((logs) => logs.map((log) => ({ ...log, data: log.data.replace(/1(0*)$/, "2$1") })))))).to.equal("derivation/data");
    });

    it("data: are refused when they are another batch's", async () => {
      let first: readonly DataLog[] | undefined;
      expect(await codeOf(run({}, lyingOfData((logs) => (first ??= logs))))).to.equal("derivation/data");
    });

    it("data: are refused when they are no packed slots", async () => {
      for (const data of ["0x", `0x${"00".repeat(31)}20${"00".repeat(32)}`, `0x${"00".repeat(31)}20${"ff".repeat(64)}`]) {
        rmSync(dir, { recursive: true, force: true });
        expect(await codeOf(run({}, lyingOfData((logs) => logs.map((log) => ({ ...log, data }))))), data).to.equal("derivation/data");
      }
    });

    it("data: are asked for again when they are withheld, and nothing is lost", async () => {
      expect(await codeOf(run({}, lyingOfData(() => [])))).to.equal("derivation/missing");
      expect(await run()).to.equal(finalRoot);
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

  describe("an endpoint with limits", () => {
    beforeEach(() => {
      dir = mkdtempSync(join(root, "fresh-"));
    });

    it("ranges: are halved until they are answered", async () => {
      const asked: number[] = [];
      const provider = Object.create(chain.provider) as JsonRpcApiProvider;
      provider.send = async (method: string, params: unknown[]) => {
        const [range] = params as [{ fromBlock: string; toBlock: string }];
        if (method !== "eth_getLogs") return (await chain.provider.send(method, params as never)) as never;
        const blocks = Number(range.toBlock) - Number(range.fromBlock) + 1;
        if (blocks > 3) throw new Error("query exceeds max block range 3");
        asked.push(blocks);
        return (await chain.provider.send(method, params as never)) as never;
      };
      // Near the head blocks are taken one by one: the range is read directly.
      const { blockNumber } = rollup.deployment;
      const head = await chain.provider.getBlockNumber();
      const { events, readTo } = await readL1Events(provider, rollup.deployment, blockNumber, head);
      const whole = await readL1Events(chain.provider, rollup.deployment, blockNumber, head);
      expect(Math.max(...asked)).to.be.within(2, 3);
      expect(events).to.deep.equal(whole.events);
      expect(readTo).to.equal(head);
    });

    it("memory: a reading ends before the block that brings too many data, and the next goes on there", async () => {
      const { blockNumber } = rollup.deployment;
      const head = await chain.provider.getBlockNumber();
      const whole = await readL1Events(chain.provider, rollup.deployment, blockNumber, head);
      for (const [batches, most] of [[0, 1], [2, 2]] as const) {
        const found: unknown[] = [];
        for (let from = blockNumber; from <= head; ) {
          const part = await readL1Events(chain.provider, rollup.deployment, from, head, batches * 21 * 96);
          expect(part.events.filter(({ type }) => type === "batch").length).to.be.at.most(most);
          found.push(...part.events);
          from = part.readTo + 1;
        }
        expect(found).to.deep.equal(whole.events);
      }
    });
  });
});

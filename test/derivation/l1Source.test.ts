import { expect } from "chai";
import type { JsonRpcApiProvider } from "ethers";

import { createL1Source } from "../../derivation/L1Source.ts";
import type { L1Cursor } from "../../derivation/L1Source.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { loadDeployment } from "../../chain/Deployment.ts";

interface Block {
  readonly number: number;
  readonly fork: string;
}

const ADDRESS = `0x${"11".repeat(20)}`;
const DEPLOYMENT: Deployment = loadDeployment({
  chainId: 1,
  genesisHash: "0x",
  contracts: { inbox: ADDRESS, settlement: ADDRESS, game: ADDRESS, bridge: ADDRESS, exodus: ADDRESS, adjudicator: ADDRESS, prover: ADDRESS },
  config: { assetScale: "1", feeTable: Array<number>(24).fill(0) },
  blockNumber: 1,
});

/** An endpoint without events whose blocks a test can replace while they are being read. */
class FakeEndpoint {
  blocks: Block[] = [{ number: 0, fork: "a" }];
  /** Called before each answer. */
  onRead: (method: string, params: readonly unknown[]) => void = () => undefined;

  extend(count: number, fork: string): void {
    for (let added = 0; added < count; added += 1) this.blocks.push({ number: this.blocks.length, fork });
  }

  cutTo(number: number): void {
    this.blocks = this.blocks.slice(0, number + 1);
  }

  send(method: string, params: readonly unknown[]): Promise<unknown> {
    this.onRead(method, params);
    if (method === "eth_getLogs") return Promise.resolve([]);
    const [tag] = params as [string];
    const block = tag === "latest" ? this.blocks.at(-1) : this.blocks[Number(tag)];
    if (block === undefined) return Promise.resolve(null);
    const parent = this.blocks[block.number - 1];
    const hashOf = ({ number, fork }: Block): string => `${number}-${fork}`;
    return Promise.resolve({ number: `0x${block.number.toString(16)}`, hash: hashOf(block), parentHash: parent === undefined ? "" : hashOf(parent), timestamp: "0x1" });
  }
}

describe("L1 source", () => {
  function create(endpoint: FakeEndpoint, depth = 0): { poll(): Promise<void>; log: string[]; cursors: L1Cursor[] } {
    const log: string[] = [];
    const cursors: L1Cursor[] = [];
    const source = createL1Source({
      provider: endpoint as unknown as JsonRpcApiProvider,
      deployment: DEPLOYMENT,
      depth,
      pollMs: 3_600_000,
      onError: () => undefined,
      consumer: {
        onEvents: (_events, cursor) => {
          cursors.push(cursor);
          return Promise.resolve();
        },
        onRollback: (blockNumber) => {
          log.push(`rollback to ${blockNumber}`);
          while ((cursors.at(-1)?.blockNumber ?? -1) > blockNumber) cursors.pop();
          return Promise.resolve();
        },
      },
    });
    return { poll: () => source.poll(), log, cursors };
  }
  const hashes = (cursors: readonly L1Cursor[]): string[] => cursors.map((cursor) => cursor.blockHash);

  it("blocks: are taken once each, none left out", async () => {
    const endpoint = new FakeEndpoint();
    endpoint.extend(3, "a");
    const source = create(endpoint);
    await source.poll();
    endpoint.extend(2, "a");
    await source.poll();
    expect(hashes(source.cursors)).to.deep.equal(["1-a", "2-a", "3-a", "4-a", "5-a"]);
  });

  it("depth: leaves the newest blocks alone", async () => {
    const endpoint = new FakeEndpoint();
    endpoint.extend(9, "a");
    const source = create(endpoint, 4);
    await source.poll();
    expect(hashes(source.cursors).at(-1)).to.equal("5-a");
    endpoint.cutTo(6);
    endpoint.extend(5, "b");
    await source.poll();
    expect(source.log).to.deep.equal([]);
    expect(hashes(source.cursors).at(-1)).to.equal("7-b");
  });

  for (const [what, method] of [
    ["before the blocks are read", "eth_getBlockByNumber"],
    ["before the events are read", "eth_getLogs"],
  ] as const) {
    it(`reorganisation: is never half taken over when it happens ${what}`, async () => {
      // The branch changes at the n-th request of the turn, whichever that is.
      for (let moment = 1; moment < 14; moment += 1) {
        const endpoint = new FakeEndpoint();
        endpoint.extend(10, "a");
        const source = create(endpoint);
        await source.poll();
        endpoint.extend(3, "a");
        let left = moment;
        endpoint.onRead = (asked) => {
          if (asked !== method) return;
          left -= 1;
          if (left !== 0) return;
          endpoint.cutTo(4);
          endpoint.extend(9, "b");
        };
        await source.poll().catch(() => undefined);
        endpoint.extend(1, endpoint.blocks.at(-1)?.fork ?? "a");
        for (let turns = 0; turns < 3; turns += 1) await source.poll().catch(() => undefined);
        const expected = endpoint.blocks.slice(1).map(({ number, fork }) => `${number}-${fork}`);
        expect(hashes(source.cursors), `at request ${moment}`).to.deep.equal(expected);
      }
    });
  }
});

import { expect } from "chai";

import { ChainError } from "../../chain/ChainError.ts";
import { blockSourceOf, createHeadWatcher } from "../../chain/HeadWatcher.ts";
import type { BlockRef, BlockSource, HeadChange, HeadWatcher } from "../../chain/HeadWatcher.ts";
import { startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";

/** A chain in memory: `fork` names which version of the block it is. */
class FakeChain implements BlockSource {
  blocks: BlockRef[] = [{ number: 0, hash: "0-a", parentHash: "none", timestamp: 0 }];

  extend(count: number, fork: string): this {
    for (let added = 0; added < count; added += 1) {
      const parent = this.blocks.at(-1);
      const number = this.blocks.length;
      this.blocks.push({ number, hash: `${number}-${fork}`, parentHash: parent?.hash ?? "", timestamp: number });
    }
    return this;
  }

  cutTo(number: number): this {
    this.blocks = this.blocks.slice(0, number + 1);
    return this;
  }

  latest(): Promise<BlockRef> {
    return Promise.resolve(this.blocks.at(-1)!);
  }

  byNumber(number: number): Promise<BlockRef | undefined> {
    return Promise.resolve(this.blocks[number]);
  }
}

function watch(source: BlockSource, depth = 64): { watcher: HeadWatcher; changes: HeadChange[] } {
  const changes: HeadChange[] = [];
  const watcher = createHeadWatcher({ source, pollMs: 3_600_000, depth, onChange: (change) => void changes.push(change), onError: () => undefined });
  return { watcher, changes };
}

describe("head watcher", () => {
  it("new blocks: reports each once and in order when the chain grows", async () => {
    const chain = new FakeChain().extend(5, "a");
    const { watcher, changes } = watch(chain);
    await watcher.poll();
    chain.extend(3, "a");
    await watcher.poll();
    await watcher.poll();
    expect(changes.map((change) => change.blocks.map((block) => block.hash))).to.deep.equal([["5-a"], ["6-a", "7-a", "8-a"]]);
    expect(changes.every((change) => change.rollbackTo === undefined)).to.equal(true);
  });

  for (const depth of [1, 10, 63]) {
    it(`reorganisation: names the last common block when ${depth} blocks are replaced`, async () => {
      const chain = new FakeChain().extend(100, "a");
      const { watcher, changes } = watch(chain);
      await watcher.poll();
      chain.cutTo(100 - depth).extend(depth + 1, "b");
      await watcher.poll();
      expect(changes[1]?.rollbackTo).to.equal(100 - depth);
      expect(changes[1]?.blocks).to.have.length(depth + 1);
      expect(watcher.tip?.hash).to.equal("101-b");
    });
  }

  it("reorganisation: is seen when the new chain is shorter", async () => {
    const chain = new FakeChain().extend(20, "a");
    const { watcher, changes } = watch(chain);
    await watcher.poll();
    chain.cutTo(12);
    await watcher.poll();
    expect(changes[1]).to.deep.include({ rollbackTo: 12, blocks: [] });
  });

  it("reorganisation: is refused with a code when it is deeper than what is watched", async () => {
    const chain = new FakeChain().extend(100, "a");
    const { watcher } = watch(chain, 8);
    await watcher.poll();
    chain.cutTo(80).extend(30, "b");
    let code: string | undefined;
    await watcher.poll().catch((error: unknown) => {
      code = error instanceof ChainError ? error.code : undefined;
    });
    expect(code).to.equal("L1_REORG_TOO_DEEP");
  });

  it("handler: gets the same change again when it failed", async () => {
    const chain = new FakeChain().extend(3, "a");
    let calls = 0;
    const onChange = (): void => {
      calls += 1;
      if (calls === 1) throw new Error("full disk");
    };
    const watcher = createHeadWatcher({ source: chain, pollMs: 3_600_000, onChange, onError: () => undefined });
    await watcher.poll().catch(() => undefined);
    expect(watcher.tip).to.equal(undefined);
    await watcher.poll();
    expect(calls).to.equal(2);
    expect(watcher.tip?.number).to.equal(3);
  });

  describe("on anvil", () => {
    let chain: LocalChain;
    before(async () => {
      chain = await startLocalChain("anvil", { isAutomatic: false });
    });
    after(() => chain.stop());

    it("reorganisation: is seen when ten blocks are replaced", async () => {
      const { watcher, changes } = watch(blockSourceOf(chain.provider));
      await chain.send("anvil_mine", ["0x14"]);
      await watcher.poll();
      await chain.send("anvil_reorg", [10, []]);
      await chain.send("anvil_mine", ["0x1"]);
      await watcher.poll();
      expect(changes[1]?.rollbackTo).to.equal(10);
      expect(changes[1]?.tip.number).to.equal(21);
    });
  });
});

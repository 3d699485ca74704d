import { truncateSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { AccumulatorFile } from "../../../services/sequencer/l1/AccumulatorFile.ts";
import { OwnChain } from "../../../services/sequencer/l1/OwnChain.ts";
import { temporaryFolder } from "../../builders/loneCore.ts";
import { createSealedBatchList } from "../../builders/sealedBatchList.ts";

const BATCHES = 1500;

describe("own chain", () => {
  const folder = temporaryFolder("own-chain");
  const path = join(folder.path, "accumulators.index");
  const list = createSealedBatchList();
  let read: number[] = [];
  const counting = (accumulators: AccumulatorFile) => ({ ...list.sealed, accumulators, read: (index: number) => (read.push(index), list.sealed.read(index)) });
  let expected: string | undefined;

  before(async () => {
    for (let i = 0; i < BATCHES; i += 1) list.seal(1_000 + i, 1);
    expected = await new OwnChain(list.sealed).extendTo(BATCHES);
    const file = new AccumulatorFile(path);
    expect(await new OwnChain(counting(file)).extendTo(BATCHES)).to.equal(expected);
    file.close();
  });
  beforeEach(() => (read = []));
  after(() => folder.remove());

  it("restart: works out the newest batches only, with the same result", async () => {
    const file = new AccumulatorFile(path);
    const own = new OwnChain(counting(file));
    expect(await own.extendTo(BATCHES)).to.equal(expected);
    expect([read[0], read.length]).to.deep.equal([BATCHES - 1024, 1024]);
    expect(await own.extendTo(100)).to.equal(await new OwnChain(list.sealed).extendTo(100));
    expect(own.has(expected ?? "")).to.equal(true);
    file.close();
  });

  it("file that was torn: is worked out anew from its last whole records", async () => {
    truncateSync(path, 32 * 1200 + 7);
    const file = new AccumulatorFile(path);
    expect(file.count).to.equal(1200 - 1024);
    expect(await new OwnChain(counting(file)).extendTo(BATCHES)).to.equal(expected);
    expect(file.count).to.equal(BATCHES);
    file.close();
  });
});

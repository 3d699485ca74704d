import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import { FeedMarks } from "../../../services/sequencer/l1/FeedMarks.ts";
import { temporaryFolder } from "../../builders/loneCore.ts";

describe("feed marks", () => {
  const folder = temporaryFolder("marks");
  const path = join(folder.path, "feed.json");
  const entries = (...pairs: readonly [number, number][]) => pairs.map(([index, blockNumber]) => ({ index, blockNumber }));
  after(() => folder.remove());

  it("restart: reads from a margin before the block of the entry that is wanted next", async () => {
    await new FeedMarks(path).note(entries([0, 1000], [1, 1000], [2, 5000], [3, 5000], [4, 9000]));
    const marks = new FeedMarks(path);
    expect([0, 1, 2, 3, 4, 50].map((next) => marks.resumeBlock(next))).to.deep.equal([744, 744, 4744, 4744, 8744, 8744]);
  });

  it("reorganised entries: the later word counts", async () => {
    const marks = new FeedMarks(path);
    await marks.note(entries([0, 100], [1, 2000], [2, 3000]));
    await marks.note(entries([1, 1500]));
    expect([0, 1, 2].map((next) => marks.resumeBlock(next))).to.deep.equal([0, 1244, 1244]);
  });

  it("file that is missing, torn or not sorted: costs a full read and nothing else", () => {
    expect(new FeedMarks(join(folder.path, "none.json")).resumeBlock(5)).to.equal(undefined);
    for (const text of ["[{", '{"index":1}', '[{"index":4,"block":1},{"index":2,"block":5}]', '[{"index":"x","block":1}]']) {
      writeFileSync(path, text);
      expect(new FeedMarks(path).resumeBlock(5), text).to.equal(undefined);
    }
  });
});

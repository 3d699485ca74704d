import { expect } from "chai";

import { createNewsWatch } from "../../../services/sequencer/l1/createNewsWatch.ts";
import type { NewsWatch } from "../../../services/sequencer/l1/createNewsWatch.ts";

describe("news watch", () => {
  let head: string;
  let own: string;
  let nowMs: number;
  let headers: number;
  let watch: NewsWatch<"a" | "b">;
  const done = (): Promise<boolean> => Promise.resolve(true);

  beforeEach(async () => {
    [head, own, nowMs, headers] = ["h1", "0", 0, 0];
    watch = createNewsWatch({
      latest: () => {
        headers += 1;
        return Promise.resolve({ number: 1, hash: head, parentHash: "", timestamp: 1 });
      },
      own: () => own,
      readAgainMs: { a: 1_000, b: 3_000 },
      monotonicMs: () => nowMs,
    });
    await settle();
  });

  /** Both tasks have read what there is. */
  async function settle(): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      for (const task of ["a", "b"] as const) if (await watch.isThereFor(task)) await watch.read(task, done);
    }
  }
  const due = (): Promise<boolean[]> => Promise.all([watch.isThereFor("a"), watch.isThereFor("b")]);

  it("is there for nobody while L1 and the process stand, at one header for all who ask at once", async () => {
    headers = 0;
    expect(await due()).to.deep.equal([false, false]);
    expect(headers).to.equal(1);
  });

  it("is there for each task once when the head is another, also one of the same height", async () => {
    head = "h1'";
    expect(await due()).to.deep.equal([true, true]);
    await settle();
    expect(await due()).to.deep.equal([false, false]);
  });

  it("is there when the process went on by itself, also while the task was reading", async () => {
    own = "1";
    expect(await due()).to.deep.equal([true, true]);
    await watch.read("a", async () => {
      own = "2";
      return true;
    });
    expect(await watch.isThereFor("a")).to.equal(true);
    await settle();
    expect(await due()).to.deep.equal([false, false]);
  });

  it("is there for a task that has read nothing for so long, whatever there is", async () => {
    nowMs = 999;
    expect(await due()).to.deep.equal([false, false]);
    nowMs = 1_000;
    expect(await due()).to.deep.equal([true, false]);
    nowMs = 3_000;
    expect(await due()).to.deep.equal([true, true]);
  });

  it("is there after a read that failed or left something to be done, for that task only", async () => {
    const away = new Error("L1 is away");
    expect(await watch.read("a", () => Promise.reject(away)).then(() => undefined, (error: unknown) => error)).to.equal(away);
    expect(await due()).to.deep.equal([true, false]);
    await watch.read("a", () => Promise.resolve(false));
    expect(await due()).to.deep.equal([true, false]);
    await watch.read("a", done);
    expect(await due()).to.deep.equal([false, false]);
  });
});

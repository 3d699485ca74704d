import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { hasErrorCode } from "../../../runtime/errors/CodedError.ts";
import { NO_END, TowerStore } from "../../../services/watchtower/store/TowerStore.ts";
import type { Watched } from "../../../services/watchtower/store/TowerStore.ts";
import { TowerError } from "../../../services/watchtower/TowerError.ts";
import { canMount, mountSmallDisk } from "../../builders/smallDisk.ts";

const LIMITS = { maxChannels: 3, maxSealed: 3, maxPerLocator: 2 };

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return hasErrorCode(error) ? error.code : String(error);
  }
}

function idOf(number: number): string {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

function state(number: number, change: Partial<Watched> = {}): Watched {
  const rank = { version: 1, sequence: 5, paid: 50, basePaidA: 1, basePaidB: 2, isEndorsed: 0 };
  return { channelId: idOf(number), side: 0, home: 0, ...rank, validUntil: NO_END, until: 1_000, body: `{"n":${number}}`, ...change };
}

describe("store of a tower", () => {
  let dir: string;
  let store: TowerStore;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-tower-store-"));
    store = new TowerStore(dir, LIMITS, (error) => expect.fail(error.message));
  });
  afterEach(() => {
    store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const again = (): void => {
    store.close();
    store = new TowerStore(dir, LIMITS, (error) => expect.fail(error.message));
  };

  it("restart: has what was put, and its index", async () => {
    await store.putWatched(state(1));
    await store.putWatched(state(1, { side: 1, sequence: 7 }));
    await store.putSealed({ locator: `0x${"ab".repeat(16)}`, owner: `0x${"cd".repeat(20)}`, until: 9, body: Uint8Array.of(1, 2) });
    await store.putDispute({ channelId: idOf(1), endedAtBlock: undefined });
    await store.putMark("l1Block", 77);
    again();
    expect(store.watchedCount).to.equal(2);
    expect(store.readBody(idOf(1), 0)).to.equal('{"n":1}');
    expect(store.find(idOf(1), 1)?.sequence).to.equal(7);
    expect([...store.channelIds()]).to.deep.equal([idOf(1)]);
    expect(store.readSealed(`0x${"ab".repeat(16)}`)[0]?.body).to.deep.equal(Uint8Array.of(1, 2));
    expect(store.disputes()).to.deep.equal([{ channelId: idOf(1), endedAtBlock: undefined }]);
    expect(store.mark("l1Block")).to.equal(77);
  });

  it("group: many at once are one write, and each has its own answer", async () => {
    const codes = await Promise.all([store.putWatched(state(1)), store.putWatched(state(1, { sequence: 4 })), store.putWatched(state(1, { sequence: 6, paid: 60 })), store.putWatched(state(2)), store.putWatched(state(3)), store.putWatched(state(4))].map(codeOf));
    expect(codes).to.deep.equal(["none", "tower/old-state", "none", "none", "none", "tower/full"]);
    expect(store.find(idOf(1), 0)?.sequence).to.equal(6);
  });

  it("full: refuses another channel, takes newer states of those it has, and has room when one ends", async () => {
    for (const number of [1, 2, 3]) await store.putWatched(state(number));
    expect(store.isFull).to.equal(true);
    expect(await codeOf(store.putWatched(state(4)))).to.equal("tower/full");
    expect(await codeOf(store.putWatched(state(1, { sequence: 6, paid: 50 })))).to.equal("none");
    await store.dropChannel(idOf(2));
    expect(await codeOf(store.putWatched(state(4, { until: 2_000 })))).to.equal("none");
    await store.dropEnded(1_001);
    expect(store.watchedCount).to.equal(1);
    again();
    expect([...store.channelIds()]).to.deep.equal([idOf(4)]);
  });

  it("order: only what could be handed in against the old one takes its place", async () => {
    await store.putWatched(state(1));
    const changes: readonly (readonly [Partial<Watched>, string])[] = [
      [{ version: 0, sequence: 99, paid: 99 }, "tower/old-state"],
      [{ sequence: 4, paid: 99 }, "tower/old-state"],
      [{ sequence: 9, paid: 49 }, "tower/contradiction"],
      [{ sequence: 5, paid: 51 }, "tower/contradiction"],
      [{ sequence: 9, paid: 90, basePaidA: 7 }, "tower/contradiction"],
      [{ validUntil: 5_000 }, "tower/old-state"],
      [{ until: 3_000 }, "none"],
      [{ sequence: 6, isEndorsed: 1 }, "none"],
      [{ sequence: 7, paid: 70 }, "tower/endorsement"],
      [{ version: 2, sequence: 0, paid: 0 }, "none"],
    ];
    for (const [change, code] of changes) expect(await codeOf(store.putWatched(state(1, change))), JSON.stringify(change)).to.equal(code);
  });

  it("full disk: refuses with a code, forgets nothing that it has, and takes states again when there is room", async function () {
    if (!canMount()) this.skip(); // Not root: a small disk cannot be made.
    const disk = mountSmallDisk(join(dir, "disk"), 1);
    const small = new TowerStore(join(dir, "disk"), { maxChannels: 1_000, maxSealed: 1, maxPerLocator: 1 }, (error) => expect.fail(error.message));
    try {
      const body = "x".repeat(20_000);
      let taken = 0;
      let code = "none";
      while (code === "none") {
        code = await codeOf(small.putWatched(state(taken + 1, { body })));
        if (code === "none") taken += 1;
      }
      expect(code).to.equal("tower/storage");
      expect(taken).to.be.greaterThan(5);
      expect(small.watchedCount).to.equal(taken);
      disk.resize(8);
      expect(await codeOf(small.putWatched(state(taken + 1, { body })))).to.equal("none");
      expect(small.readBody(idOf(1), 0)).to.equal(body);
    } finally {
      small.close();
      disk.remove();
    }
  });

  it("broken disk: tells that it is broken, once it cannot read again what it has, and takes nothing after it", async () => {
    const told: Error[] = [];
    const broken = new TowerStore(join(dir, "broken"), LIMITS, (error) => told.push(error));
    await broken.putWatched(state(1));
    const other = new DatabaseSync(join(dir, "broken", "tower.sqlite"));
    other.exec("ALTER TABLE watched RENAME TO gone");
    expect(await codeOf(broken.putWatched(state(2)))).to.equal("tower/storage");
    expect(told.map((error) => error instanceof TowerError && [error.code, error.reaction])).to.deep.equal([["tower/storage", "stop"]]);
    other.exec("ALTER TABLE gone RENAME TO watched");
    other.close();
    expect(await codeOf(broken.putWatched(state(2)))).to.equal("tower/storage");
    broken.close();
  });

  it("sealed: bodies under one locator are bounded, an owner replaces only its own", async () => {
    const sealed = (owner: number, body: number) => ({ locator: `0x${"ab".repeat(16)}`, owner: `0x${String(owner).padStart(40, "0")}`, until: 9, body: Uint8Array.of(body) });
    await store.putSealed(sealed(1, 1));
    await store.putSealed(sealed(2, 2));
    expect(await codeOf(store.putSealed(sealed(3, 3)))).to.equal("tower/full");
    await store.putSealed(sealed(1, 4));
    expect(store.readSealed(`0x${"ab".repeat(16)}`).map(({ body }) => body[0])).to.have.members([4, 2]);
    await store.dropEnded(10);
    expect(store.sealedCount).to.equal(0);
  });
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";

import { expect } from "chai";

import { toHex } from "../../../core/codec/hex.ts";
import { RECORD, SLOT_BYTES } from "../../../core/generated/protocol.ts";
import { createL1Source } from "../../../derivation/L1Source.ts";
import { openReplica } from "../../../derivation/Replica.ts";
import { systemClock } from "../../../runtime/clock/systemClock.ts";
import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { adoptFromL1 } from "../../../services/sequencer/adoptFromL1.ts";
import { readSignAfter, writeSignAfter } from "../../../services/sequencer/heads/signAfter.ts";
import { LoneCore, bundleOf, testKey, transfers } from "../../builders/loneCore.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../../builders/rollupOnChain.ts";
import { scriptFor } from "../../builders/rollupScript.ts";

const [, ALICE, BOB] = DEVELOPMENT_KEYS;
const SLOT_SECONDS = 2;
const quiet = createLogger({ service: "test", level: "silent", output: new Writable({ write: (_chunk, _encoding, done) => done() }) });

describe("sequencer that begins from L1", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let dir: string;
  const adopt = async (dataDir: string): Promise<number | undefined> => adoptFromL1({ provider: chain.provider, deployment: rollup.deployment, dataDir, clock: systemClock, logger: quiet });
  const startFrom = (dataDir: string): Promise<LoneCore> => {
    const { config, contracts } = rollup.deployment;
    return LoneCore.start(dataDir, {}, { chain: { domainSeparator: scriptFor(chain, rollup).domain, feeTable: config.feeTable }, inbox: contracts.inbox });
  };

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-adopt-"));
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain);
  });
  afterEach(async () => {
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("chain without batches: nothing is taken over, and the folder stays empty", async () => {
    expect(await adopt(join(dir, "data"))).to.equal(undefined);
    expect(await readSignAfter(join(dir, "data"))).to.equal(undefined);
  });

  it("batches of anybody: lead to the root of a replica, garbage, cut and unsigned bundles and forced ones included", async () => {
    const script = scriptFor(chain, rollup);
    const send = (key: string, agent: number, nonce: number): Uint8Array => script.bundle(key, agent, nonce, { op: "TRANSFER", fields: { to: 3 - agent, amount: 3 } }, { op: "TRANSFER", fields: { to: 3 - agent, amount: 4 } });
    await script.deposit(ALICE, 1_000_000);
    await script.deposit(BOB, 1_000_000);
    await script.submit();
    const forged = send(ALICE, 1, 1);
    forged[RECORD.HEADER.signatureR + 3]! ^= 1;
    const cut = send(BOB, 2, 0).slice(0, 2 * SLOT_BYTES);
    await script.submit(Buffer.concat([send(ALICE, 1, 0), new Uint8Array(SLOT_BYTES).fill(9), forged, send(ALICE, 1, 7), send(ALICE, 1, 1), cut]));
    const { inbox } = rollup.contracts;
    await (await inbox.force(send(BOB, 2, 0), { value: await inbox.forcedFee(3) })).wait();
    await script.submit(send(ALICE, 1, 2));
    await script.submit();

    const data = join(dir, "data");
    expect(await adopt(data)).to.equal(4);
    expect(await adopt(data), "a second time").to.equal(undefined);
    const replica = await openReplica({ dir: join(dir, "replica"), deployment: rollup.deployment, onDivergence: () => undefined });
    const source = createL1Source({ provider: chain.provider, deployment: rollup.deployment, consumer: replica, pollMs: 60_000, onError: (error) => expect.fail(String(error)) });
    await source.poll();
    await source.stop();
    const lone = await startFrom(data);
    try {
      const { sealed, committer } = lone.core;
      expect(sealed.count).to.equal(4);
      for (let batch = 0; batch < 4; batch += 1) expect(toHex(sealed.get(batch)!.stateRoot), `batch ${batch}`).to.equal(toHex(replica.rootAt(batch + 1)!));
      expect(lone.core.pipeline.nextEntry).to.equal(3);
      expect(committer.position).to.equal(6);
      const answer = await lone.sendFor("rooted", send(ALICE, 1, 3));
      expect([...answer.record!.outcomes]).to.deep.equal([0, 0]);
      // One that an earlier sequencer executed is answered as if it were our own.
      expect((await lone.sendFor("durable", send(ALICE, 1, 1))).record!.position).to.equal(2);
    } finally {
      await lone.stop();
      replica.close();
    }
  });
});

describe("slots of heads", function () {
  this.timeout(60_000);
  const [carol, dave] = [testKey(1), testKey(2)];
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "agnt2-slots-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const start = (): Promise<LoneCore> => LoneCore.start(dir, {}, { chain: { slotSeconds: SLOT_SECONDS } });
  const slotNow = (): number => Math.floor(systemClock.nowSeconds() / SLOT_SECONDS);

  it("head: has the slot of its time, and the same one when it is told again in a later slot, by another process", async () => {
    let lone = await start();
    await lone.deposit([carol, dave], 1_000);
    const bytes = bundleOf(carol, 1, 0, transfers(2, 2));
    const before = slotNow();
    const first = (await lone.sendFor("durable", bytes)).head!;
    expect(first.slot).to.be.within(before, slotNow());
    await lone.stop();
    while (slotNow() === first.slot) await systemClock.sleep(50);
    lone = await start();
    const again = (await lone.sendFor("durable", bytes)).head!;
    expect(again).to.deep.equal(first);
    expect((await lone.sendFor("durable", bundleOf(carol, 1, 1, transfers(2, 1)))).head!.slot).to.be.greaterThan(first.slot);
    await lone.stop();
  });

  it("log that was begun anew: signs nothing before the next slot", async () => {
    await (await start()).stop();
    await writeSignAfter(dir, systemClock.nowSeconds());
    const begun = slotNow();
    const lone = await start();
    expect(slotNow()).to.be.greaterThan(begun);
    await lone.stop();
  });
});

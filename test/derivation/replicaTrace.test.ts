import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { toHex } from "../../core/codec/index.ts";
import { Trace } from "../../core/dispute/index.ts";
import { createL1Source } from "../../derivation/L1Source.ts";
import { openReplica } from "../../derivation/Replica.ts";
import type { Replica } from "../../derivation/Replica.ts";
import { startDisputeNetwork } from "../builders/disputeNetwork.ts";
import type { DisputeNetwork } from "../builders/disputeNetwork.ts";

const EPOCHS = 5;
const MINED_BLOCKS = 70;

describe("replica's traces", function () {
  this.timeout(60_000);
  let network: DisputeNetwork;
  let dir: string;

  before(async () => {
    network = await startDisputeNetwork("anvil");
    for (let count = 1; count < EPOCHS; count += 1) await network.epoch(8);
    // No reorganisation that is watched for reaches the epochs before the last.
    await network.chain.send("anvil_mine", [`0x${MINED_BLOCKS.toString(16)}`]);
    await network.epoch(8);
    dir = mkdtempSync(join(tmpdir(), "agnt2-replica-trace-"));
  });
  after(async () => {
    rmSync(dir, { recursive: true, force: true });
    await network.stop();
  });

  async function derive(name: string, options: { snapshotEpochs?: boolean; keepFrom?: () => number }): Promise<Replica> {
    const { deployment } = network.rollup;
    const replica = await openReplica({ dir: join(dir, name), deployment, onDivergence: (error) => expect.fail(error.message), ...options });
    const source = createL1Source({ provider: network.chain.provider, deployment, consumer: replica, cursors: replica.cursors, pollMs: 50, onError: () => undefined });
    await source.poll();
    return replica;
  }

  function snapshotsOf(name: string): number[] {
    return readdirSync(join(dir, name, "snapshots")).map((file) => Number(/\d+/.exec(file)?.[0])).sort((a, b) => a - b);
  }

  function expectTraces(replica: Replica, from: number): void {
    for (let epoch = from; epoch < EPOCHS; epoch += 1) {
      const [start, end] = [epoch === 0 ? 0 : replica.view.epochs[epoch - 1]!.batchEnd, replica.view.epochs[epoch]!.batchEnd];
      const trace = new Trace(replica.traceOptions(start, end));
      expect(trace.length, `steps of epoch ${epoch}`).to.equal(replica.view.epochs[epoch]!.steps);
      expect(toHex(trace.stateRootAt(0))).to.equal(toHex(replica.rootAt(start)!));
      expect(toHex(trace.stateRootAt(trace.length))).to.equal(toHex(replica.rootAt(end)!));
    }
  }

  it("trace: begins and ends in the replica's own roots, without a snapshot and with one for each epoch", async () => {
    const bare = await derive("bare", {});
    expect(snapshotsOf("bare")).to.deep.equal([]);
    expectTraces(bare, 0);
    bare.close();
    const kept = await derive("kept", { snapshotEpochs: true, keepFrom: () => 0 });
    expectTraces(kept, 0);
    expect(() => kept.traceOptions(0, EPOCHS + 1)).to.throw(RangeError);
    kept.close();
  });

  it("snapshots: are kept back to where traces may be asked for, and no further", async () => {
    const replica = await derive("some", { snapshotEpochs: true, keepFrom: () => 2 });
    expect(snapshotsOf("some")).to.deep.equal([2, 3, 4, 5]);
    expectTraces(replica, 2);
    replica.close();
    (await derive("none", { snapshotEpochs: true })).close();
    expect(snapshotsOf("none")).to.deep.equal([4, 5]);
  });
});

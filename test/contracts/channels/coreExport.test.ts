import { expect } from "chai";

import { readChannel } from "../../../chain/channels/readChannel.ts";
import { channelDomain, channelIdOf, exportDigest, HOME, voucherDigest } from "../../../core/channel/index.ts";
import { encodeRecord, fromHex, toHex } from "../../../core/codec/index.ts";
import { ExitState } from "../../../core/exit/index.ts";
import { KIND, UPDATE_KIND } from "../../../core/generated/protocol.ts";
import { structOf } from "../../builders/deadChain.ts";
import { createL1Scene } from "../../builders/rollupContracts.ts";
import type { L1Scene } from "../../builders/rollupContracts.ts";
import { TestRollup } from "../../builders/TestRollup.ts";
import { createActor, signCompact } from "../../differential/scenario/Actors.ts";
import type { Actor } from "../../differential/scenario/Actors.ts";

const GWEI = 1_000_000_000n;
const WINDOW = 600;
const [ADA, BOB] = [createActor("ada"), createActor("bob")];
const ZERO_WORD = new Uint8Array(32);

describe("a channel's way from Layer Core to L1", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  /** Layer Core of a chain: Ada has a channel with Bob, and has paid 70 of 300 by a voucher that is recorded. */
  async function playCore() {
    const chain = await scene.createRollup();
    const adjudicator = fromHex(await chain.adjudicator.getAddress(), 20);
    const channels = channelDomain({ chainId: 31337, adjudicator });
    const rollup = new TestRollup({ channels, domainSeparator: fromHex(await chain.inbox.domainSeparator()) });
    const id = channelIdOf({ home: HOME.CORE, partyA: ADA.address, partyB: BOB.address, asset: new Uint8Array(20), unit: 0, windowSeconds: WINDOW, flags: 0, salt: 1 });
    const signature = (signer: Actor, digest: Uint8Array): Uint8Array => {
      const bytes = signCompact(signer, digest);
      return encodeRecord("SIGNATURE", { signatureR: bytes.subarray(0, 32), signatureVs: bytes.subarray(32) });
    };
    let time = await scene.now();
    const act = (agent: number, signer: Actor, ...records: Uint8Array[]): void => {
      expect(rollup.play((time += 1), { agent, signer, records }), "outcomes").to.deep.equal(records.map(() => 0));
    };
    rollup.fund(time, [[ADA, 1_000], [BOB, 1_000]]);
    const voucher = { payer: 0, version: 0, sequence: 1, paid: 70, locksHash: ZERO_WORD, callsHash: ZERO_WORD } as const;
    act(1, ADA, encodeRecord("CHANNEL_OPEN", { partner: 2, amount: 300, window: WINDOW }));
    act(2, BOB, encodeRecord("CHANNEL_FUND", { side: 1, slot: 0, id: 1, amount: 50 }));
    act(2, BOB, signature(ADA, voucherDigest(channels.separator, id, voucher)), encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.VOUCHER, side: 0, slot: 0, id: 1, paidByA: 70, sequence: 1 }));
    const channelLeaf = rollup.state.leaf(KIND.CHANNEL, 0);
    const confirm = async () => {
      const state = new ExitState(rollup.parameters);
      for (const batch of rollup.batches) state.execute(batch, (index) => rollup.entries[index]!);
      await chain.bridge.deposit(scene.signers[0]!.address, 2_000n * GWEI, { value: 2_000n * GWEI });
      return { state, claimId: await scene.confirmState(chain, state.root()) };
    };
    const exportIt = () => act(1, ADA, signature(BOB, exportDigest(channels.separator, id)), encodeRecord("CHANNEL_EXPORT", { slot: 0, id: 1 }));
    return { chain, id, channelLeaf, exportIt, confirm };
  }

  it("export: the leaf that the machine wrote opens the channel on L1, with its money and totals, once", async () => {
    const { chain, id, channelLeaf, exportIt, confirm } = await playCore();
    exportIt();
    const { state, claimId } = await confirm();
    await scene.networkHelpers.time.increase(10);
    const { words, siblings } = structOf(state.open({ kind: KIND.WITHDRAWAL, index: 0 }));
    const leaf = [0, 32, 64, 96].map((from) => toHex(channelLeaf.subarray(from, from + 32))) as [string, string, string, string];
    const take = () => chain.adjudicator.importExport(toHex(ADA.address), toHex(BOB.address), leaf, { index: 0, leaf: words, siblings, claimId });
    await take();
    const known = await readChannel(chain.adjudicator, id);
    expect(known).to.deep.include({ status: "OPEN", version: 0, nets: [300, 50] });
    expect(known.recorded.map(({ paid }) => paid)).to.deep.equal([70, 0]);
    expect(await scene.ethers.provider.getBalance(await chain.adjudicator.getAddress())).to.equal(350n * GWEI);
    await expect(take()).to.revert(scene.ethers);
  });
});

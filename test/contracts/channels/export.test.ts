import { expect } from "chai";
import { getBytes } from "ethers";

import { configStruct, updateStruct } from "../../../chain/channels/channelStructs.ts";
import { readChannel } from "../../../chain/channels/readChannel.ts";
import { HOME, channelDomain, channelIdOf, exportDigest, voucherDigest } from "../../../core/channel/index.ts";
import type { ChannelConfig } from "../../../core/channel/index.ts";
import { encodeRecord, fromHex, toHex } from "../../../core/codec/index.ts";
import { hexWords } from "../../../core/dispute/encodeStepProof.ts";
import { ExitState } from "../../../core/exit/index.ts";
import { KIND, UPDATE_KIND } from "../../../core/generated/protocol.ts";
import { TestRollup } from "../../builders/TestRollup.ts";
import { createL1Scene } from "../../builders/rollupContracts.ts";
import type { L1Scene } from "../../builders/rollupContracts.ts";
import { createActor, signCompact } from "../../differential/scenario/Actors.ts";

const GWEI = 1_000_000_000n;
const WINDOW = 1_000;
const [ALICE, BOB] = [createActor("alice"), createActor("bob")];
type Words = [string, string, string, string];

describe("ChannelAdjudicator: an export as Layer Core makes it", () => {
  let scene: L1Scene;
  before(async () => {
    scene = await createL1Scene();
  });
  after(() => scene.close());

  it("a channel that was opened, funded, used and exported there: goes on here with the signatures of there", async () => {
    const chain = await scene.createRollup();
    const { adjudicator } = chain;
    await chain.bridge.deposit(scene.signers[0]!.address, 20_000n * GWEI, { value: 20_000n * GWEI });
    const channels = channelDomain({ chainId: 31337, adjudicator: getBytes(await adjudicator.getAddress()) });
    const rollup = new TestRollup({ channels, domainSeparator: fromHex(await chain.inbox.domainSeparator()) });
    const time = await scene.now();
    rollup.fund(time, [[ALICE, 10_000], [BOB, 10_000]]);
    const carried = (signature: Uint8Array): Uint8Array => encodeRecord("SIGNATURE", { signatureR: signature.subarray(0, 32), signatureVs: signature.subarray(32) });
    const play = (agent: 1 | 2, ...records: Uint8Array[]): void => {
      const outcomes = rollup.play(time, { agent, signer: agent === 1 ? ALICE : BOB, records });
      expect(outcomes.every((outcome) => outcome === 0), outcomes.join()).to.equal(true);
    };
    play(1, encodeRecord("CHANNEL_OPEN", { partner: 2, amount: 3_000, window: WINDOW }));
    const leafNow = (): Uint8Array => rollup.state.leaf(KIND.CHANNEL, 0);
    const id = Number(new DataView(leafNow().buffer, leafNow().byteOffset).getBigUint64(0));
    const config: ChannelConfig = { home: HOME.CORE, partyA: ALICE.address, partyB: BOB.address, asset: new Uint8Array(20), unit: 0, windowSeconds: WINDOW, flags: 0, salt: id };
    const channelId = channelIdOf(config);
    play(2, encodeRecord("CHANNEL_FUND", { side: 1, slot: 0, id, amount: 1_000 }));
    const voucher = (sequence: number, paid: number) => {
      const fields = { payer: 0 as const, version: 0, sequence, paid, locksHash: new Uint8Array(32), callsHash: new Uint8Array(32).fill(5) };
      return { ...fields, locks: [], by: { signature: signCompact(ALICE, voucherDigest(channels.separator, channelId, fields)) } };
    };
    const old = voucher(4, 700);
    play(2, carried(old.by.signature), encodeRecord("CHANNEL_UPDATE", { kind: UPDATE_KIND.VOUCHER, side: 0, slot: 0, id, paidByA: 700, sequence: 4, callsHash: old.callsHash }));
    const channelLeaf = hexWords(leafNow()) as unknown as Words;
    play(1, carried(signCompact(BOB, exportDigest(channels.separator, channelId))), encodeRecord("CHANNEL_EXPORT", { slot: 0, id }));

    const state = new ExitState(rollup.parameters);
    for (const batch of rollup.batches) state.execute(batch, (index) => rollup.entries[index]!);
    const { words, siblings } = state.open({ kind: KIND.WITHDRAWAL, index: 0 });
    const claimId = await scene.confirmState(chain, state.root());
    await scene.networkHelpers.time.increase(10);
    await adjudicator.importExport(toHex(ALICE.address), toHex(BOB.address), channelLeaf, { index: 0, leaf: words as unknown as Words, siblings: [...siblings], claimId });

    const onChain = await readChannel(adjudicator, channelId);
    expect(onChain).to.deep.include({ status: "OPEN", version: 0, nets: [3_000, 1_000] });
    expect(onChain.recorded[0].paid).to.equal(700);
    await adjudicator.checkpoint(configStruct(config), updateStruct({ vouchers: [voucher(9, 900)] }));
    await expect(adjudicator.checkpoint(configStruct(config), updateStruct({ vouchers: [old] }))).to.be.revertedWithCustomError(adjudicator, "NotBetter");
    expect((await readChannel(adjudicator, channelId)).recorded[0].paid).to.equal(900);
    expect(await scene.ethers.provider.getBalance(await adjudicator.getAddress())).to.equal(4_000n * GWEI);
  });
});

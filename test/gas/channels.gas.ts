import { BrowserProvider } from "ethers";
import type { TransactionReceipt } from "ethers";
import hre from "hardhat";

import { closeStruct, claimStruct, configStruct, grantStructs, voucherStruct, withdrawalStruct } from "../../chain/channels/channelStructs.ts";
import type { ChannelClaim } from "../../chain/channels/SignedState.ts";
import { fromHex } from "../../core/codec/hex.ts";
import { ONE_WAY } from "../../core/channel/index.ts";
import { KEY, UNIT, startChannelScene } from "../builders/channelScene.ts";
import type { ChannelScene, SceneChain } from "../builders/channelScene.ts";
import { addressBytes } from "../builders/channelSigning.ts";
import type { ChannelSigning } from "../builders/channelSigning.ts";

const FOREVER = 2 ** 40 - 1;
/** Between two sizes of a batch, so that what comes once falls out. */
const [SMALL_BATCH, LARGE_BATCH] = [10, 40] as const;

/** Gas of channels, through the clone that a chain has. Amounts and sequences are of the size that a busy channel has. */
export async function measureGas(): Promise<Record<string, number>> {
  const scene = await startChannelScene(await createChain(), { isClone: true });
  try {
    return { ...(await asset(scene, "ETH")), ...(await asset(scene, "ERC-20")), ...(await keys(scene)), ...(await claims(scene)) };
  } finally {
    await scene.stop();
  }
}

/** In this process, as in every other area: its clock is the measurement's. */
async function createChain(): Promise<SceneChain> {
  const connection = await hre.network.create();
  const chainId = Number(await connection.provider.request({ method: "eth_chainId" }));
  const provider = new BrowserProvider(connection.provider, chainId, { staticNetwork: true, cacheTimeout: -1 });
  return {
    kind: "hardhat",
    chainId,
    provider,
    async stop() {
      provider.destroy();
      await connection.close();
    },
  };
}

const gasOf = async (sent: Promise<TransactionReceipt>): Promise<number> => Number((await sent).gasUsed);

async function asset(scene: ChannelScene, name: "ETH" | "ERC-20"): Promise<Record<string, number>> {
  const { adjudicator } = scene;
  const figures: Record<string, number> = {};
  const config: { asset?: Uint8Array } = {};
  if (name === "ERC-20") {
    const token = await scene.deploy("TestToken");
    for (const owner of [scene.a, scene.b]) {
      await scene.send(owner, token.getFunction("mint").populateTransaction(owner, 10n ** 24n));
      await scene.send(owner, token.getFunction("approve").populateTransaction(scene.address, 10n ** 24n));
    }
    config.asset = fromHex(await token.getAddress());
    // The contract's first tokens cost what later ones do not.
    await scene.opened(config);
  }
  const measure = async (what: string, sent: Promise<TransactionReceipt>): Promise<void> => {
    figures[`ChannelAdjudicator.${what}${name === "ETH" ? "" : `, ${name}`}`] = await gasOf(sent);
  };
  const open = (channel: ChannelSigning, units: number) =>
    scene.send(scene.a, adjudicator.open.populateTransaction(configStruct(channel.config), 0, units), { value: name === "ETH" ? BigInt(units) * BigInt(UNIT) : 0n });

  await measure("open (with a deposit)", open(scene.channel(config), 1_000_000));
  const channel = await scene.opened(config, [1_000_000, 500_000]);
  await measure("deposit", scene.send(scene.a, adjudicator.deposit.populateTransaction(configStruct(channel.config), 1, 1_000), { value: name === "ETH" ? 1_000n * BigInt(UNIT) : 0n }));
  await measure("withdraw", scene.send(scene.a, adjudicator.withdraw.populateTransaction(configStruct(channel.config), withdrawalStruct(channel.withdrawal({ nonce: 0, side: 0, amount: 1_000, validUntil: FOREVER })))));
  await measure("closeCooperatively", scene.send(scene.a, adjudicator.closeCooperatively.populateTransaction(configStruct(channel.config), closeStruct(channel.close({ paidByA: 300_000, paidByB: 1_000 })))));

  const disputed = await scene.opened(config, [1_000_000, 500_000]);
  await measure("challenge (a base)", scene.challenge(disputed, { base: disputed.base({ version: 1_000, paidByA: 200_000, paidByB: 1_000 }) }));
  await measure("respond (a base)", scene.respond(disputed, { base: disputed.base({ version: 1_001, paidByA: 300_000, paidByB: 1_000 }) }));
  await scene.mineAt((await scene.state(disputed)).deadline);
  await measure("close (after a dispute)", scene.close(disputed));
  if (name !== "ETH") return figures;

  const base = (each: ChannelSigning, version: number) => each.base({ version, paidByA: 200_000 * version, paidByB: 1_000 * version });
  const voucher = (each: ChannelSigning, version: number, payer: 0 | 1) => each.voucher({ payer, version, sequence: 123_456, paid: 900_000 });
  const recorded = await scene.opened(config, [1_000_000, 500_000]);
  await measure("checkpoint (the first base)", scene.checkpoint(recorded, { base: base(recorded, 1) }));
  await measure("checkpoint (a later base)", scene.checkpoint(recorded, { base: base(recorded, 2) }));
  await measure("checkpoint (a voucher)", scene.checkpoint(recorded, { vouchers: [voucher(recorded, 2, 0)] }));
  await measure("checkpoint (a base and both vouchers)", scene.checkpoint(recorded, { base: base(recorded, 3), vouchers: [voucher(recorded, 3, 0), voucher(recorded, 3, 1)] }));
  await measure("challenge (nothing)", scene.challenge(recorded));
  await measure("respond (a base and a voucher)", scene.respond(recorded, { base: base(recorded, 4), vouchers: [voucher(recorded, 4, 1)] }));
  await measure("respond (a voucher)", scene.respond(recorded, { vouchers: [voucher(recorded, 4, 0)] }));
  const fresh = await scene.opened(config, [1_000_000, 500_000]);
  await measure("checkpoint (a voucher, nothing before)", scene.checkpoint(fresh, { vouchers: [voucher(fresh, 0, 0)] }));
  const full = await scene.opened(config, [1_000_000, 500_000]);
  await measure("challenge (a base and both vouchers)", scene.challenge(full, { base: base(full, 1), vouchers: [voucher(full, 1, 0), voucher(full, 1, 1)] }));
  const alone = await scene.opened(config, [1_000_000, 0]);
  await scene.challenge(alone);
  await measure("respond (a voucher, nothing before)", scene.respond(alone, { vouchers: [voucher(alone, 0, 0)] }));
  return figures;
}

/** Session keys, locks. */
async function keys(scene: ChannelScene): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const channel = await scene.opened();
  const fields = { key: addressBytes(KEY.SESSION), cap: 100_000, expiry: FOREVER };
  const grant = channel.grant(0, fields);
  const register = scene.adjudicator.registerGrant.populateTransaction(configStruct(channel.config), 0, grantStructs(grant)[0]!);
  figures["ChannelAdjudicator.registerGrant"] = await gasOf(scene.send(scene.stranger, register));
  await scene.checkpoint(channel, { base: channel.base({ version: 1, paidByA: 1, paidByB: 1 }) });
  figures["ChannelAdjudicator.checkpoint (a voucher by a session key)"] = await gasOf(scene.checkpoint(channel, { vouchers: [channel.voucher({ version: 1, sequence: 5, paid: 20 }, { key: KEY.SESSION, grant })] }));
  figures["ChannelAdjudicator.registerPreimage"] = await gasOf(scene.send(scene.stranger, scene.adjudicator.registerPreimage.populateTransaction(`0x${"11".repeat(32)}`)));
  const locks = (count: number) => Array.from({ length: count }, (_, index) => ({ hashlock: new Uint8Array(32).fill(index + 1), amount: 1, expiry: 2_000 }));
  for (const count of [1, 16]) {
    const each = await scene.opened();
    const list = locks(count);
    figures[`ChannelAdjudicator.checkpoint (a voucher with ${count} lock${count === 1 ? "" : "s"}, endorsed)`] =
      await gasOf(scene.checkpoint(each, { vouchers: [each.voucher({ sequence: 9, paid: 20, locks: list, endorsedBy: true })] }));
    await scene.challenge(each);
    await scene.mineAt((await scene.state(each)).deadline);
    figures[`ChannelAdjudicator.close (${count} lock${count === 1 ? "" : "s"})`] = await gasOf(scene.close(each, [list, []]));
  }
  return figures;
}

async function claims(scene: ChannelScene): Promise<Record<string, number>> {
  const claim = async (): Promise<ChannelClaim> => {
    const channel = await scene.opened({ flags: ONE_WAY }, [1_000_000, 0]);
    return { config: channel.config, voucher: channel.voucher({ version: 7, sequence: 123_456, paid: 654_321 }) };
  };
  const batch = async (count: number): Promise<number> => {
    const list = [];
    for (let i = 0; i < count; i += 1) list.push(claimStruct(await claim()));
    return gasOf(scene.send(scene.b, scene.adjudicator.claimMany.populateTransaction(list), { gas: 15_000_000 }));
  };
  const { config, voucher } = await claim();
  const single = await gasOf(scene.send(scene.b, scene.adjudicator.claim.populateTransaction(configStruct(config), voucherStruct(voucher))));
  const [small, large] = [await batch(SMALL_BATCH), await batch(LARGE_BATCH)];
  return {
    "ChannelAdjudicator.claim": single,
    [`ChannelAdjudicator.claimMany (${LARGE_BATCH} channels)`]: large,
    "ChannelAdjudicator.claimMany: each further channel": Math.ceil((large - small) / (LARGE_BATCH - SMALL_BATCH)),
  };
}

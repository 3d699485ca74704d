import { readFileSync } from "node:fs";

import { expect } from "chai";
import { Wallet } from "ethers";

import { connectContracts } from "../../chain/connectContracts.ts";
import { loadDeployment } from "../../chain/Deployment.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { domainSeparator } from "../../core/codec/bundle.ts";
import { fromHex, toHex } from "../../core/codec/hex.ts";
import { encodeRecord } from "../../core/codec/record.ts";
import { createLocalSigner } from "../../runtime/keystore/createLocalSigner.ts";
import { buildBundle } from "../../sdk/buildBundle.ts";
import { createKeySigner } from "../../sdk/BundleSigner.ts";
import { CoreAnswerer } from "../../services/watchtower/core/CoreAnswerer.ts";
import { CoreChannels } from "../../services/watchtower/core/CoreChannels.ts";
import { DEVELOPMENT_KEYS, freePort } from "../builders/localChain.ts";
import { startLocalNetwork } from "../builders/localNetwork.ts";
import type { LocalNetworkForTests } from "../builders/localNetwork.ts";
import { testKey, TowerChannel } from "../builders/towerChannel.ts";
import type { TestKey } from "../builders/towerChannel.ts";
import { TowerNetwork } from "../builders/towerNetwork.ts";
import { until } from "../builders/until.ts";
import type { TowerForTest } from "../builders/towerNetwork.ts";

const WINDOW_SECONDS = 4 * 86_400;
const DEPOSIT_UNITS = 1_000_000;
const VALID_SECONDS = 3_600;

interface Result {
  readonly outcome: number;
  readonly slot: number;
  readonly id: number;
}

describe("watchtower in Layer Core", function () {
  this.timeout(180_000);
  let local: LocalNetworkForTests;
  let network: TowerNetwork;
  let deployment: Deployment;

  before(async () => {
    local = await startLocalNetwork();
    deployment = loadDeployment(JSON.parse(readFileSync(local.deploymentFile, "utf8")));
    network = TowerNetwork.of(local.chain, deployment.contracts["adjudicator"]!);
    const { bridge } = connectContracts(deployment, new Wallet(DEVELOPMENT_KEYS[0], local.chain.provider));
    const names = ["core 1 A", "core 1 B", "core 2 A", "core 2 B", "honest lane 0", "forcing lane 0"];
    for (const name of names) await (await bridge.deposit(testKey(name).wallet.address, 10n ** 17n, { value: 10n ** 17n })).wait();
    for (const name of names) await until(`${name} has an account`, async () => (await agentOf(testKey(name))) !== undefined);
  });
  after(async () => {
    await network?.stopTowers();
    await local?.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${local.output().slice(-3_000)}\n`);
  });

  async function agentOf({ wallet }: TestKey): Promise<{ index: number; nonce: number } | undefined> {
    const response = await fetch(`${local.sequencerUrl}/v1/agents/${wallet.address}`);
    return response.ok ? ((await response.json()) as { index: number; nonce: number }) : undefined;
  }

  async function send(key: TestKey, ...records: Uint8Array[]): Promise<Result[]> {
    const { index: agent, nonce } = (await agentOf(key))!;
    const { inbox } = deployment.contracts;
    const domain = { chainId: deployment.chainId, inbox, separator: domainSeparator({ chainId: deployment.chainId, inbox: fromHex(inbox) }) };
    const bundle = await buildBundle({ agent, nonce, validUntil: Math.floor(Date.now() / 1000) + VALID_SECONDS, records }, createKeySigner(key.key), domain);
    const response = await fetch(`${local.sequencerUrl}/v1/bundles?wait=durable`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: bundle as Uint8Array<ArrayBuffer> });
    expect(response.status, await response.clone().text()).to.equal(200);
    const { results } = (await response.json()) as { results: Result[] };
    for (const { outcome } of results) expect(outcome).to.equal(0);
    return results;
  }

  /** A channel in which both have put the same. */
  async function open(name: string): Promise<{ channel: TowerChannel; slot: number; id: number }> {
    const [a, b] = [testKey(`${name} A`), testKey(`${name} B`)];
    const partner = (await agentOf(b))!.index;
    const [opened] = await send(a, encodeRecord("CHANNEL_OPEN", { partner, amount: DEPOSIT_UNITS, window: WINDOW_SECONDS }));
    const { slot, id } = opened!;
    await send(b, encodeRecord("CHANNEL_FUND", { side: 1, slot, id, amount: DEPOSIT_UNITS }));
    return { channel: new TowerChannel(network.domain, name, { home: 1, unit: 0, windowSeconds: WINDOW_SECONDS, salt: id }), slot, id };
  }

  async function towerOf(name: string, sequencerUrl: string, forceAfter: number): Promise<TowerForTest> {
    const channels = new CoreChannels(local.apiUrl);
    const signer = createLocalSigner(testKey(`${name} lane 0`).key);
    const answerer = new CoreAnswerer({ channels, sequencerUrl, chainId: deployment.chainId, inbox: deployment.contracts.inbox, signer });
    return await network.tower(name, { core: { channels, answerer }, forceAfter, everyMs: 200 });
  }

  const paidBy = async (slot: number): Promise<number> => Number(((await (await fetch(`${local.sequencerUrl}/v1/channels/${slot}`)).json()) as { paidByB: number }).paidByB);

  it("close: is answered from the tower's own account, with the base, the grant of a session key and the voucher", async () => {
    const { channel, slot, id } = await open("core 1");
    const { tower, stop } = await towerOf("honest", local.sequencerUrl, 0.5);
    await until("the replica has the channel", async () => {
      await tower.look();
      return ((await (await fetch(`${local.apiUrl}/v1/channels`)).json()) as { items: unknown[] }).items.length > 0;
    });
    const grant = channel.grant(1, "session", 500, Math.floor(Date.now() / 1000) + 10 * WINDOW_SECONDS);
    const state = channel.state(0, { base: channel.base(2, 10, 20), voucher: { sequence: 9, paid: 90, grant } });
    const { receipt } = await tower.intake.submit(channel.request(state));
    expect(receipt["channelId"]).to.equal(toHex(channel.id));
    await send(channel.parties[1], encodeRecord("CHANNEL_CHALLENGE", { slot, id }));
    await until("the close is answered", async () => (await paidBy(slot)) === 90);
    await stop();
  });

  it("censorship: an answer that the sequencer does not take goes by L1's queue, and the next batch has it", async () => {
    const { channel, slot, id } = await open("core 2");
    const { tower, stop } = await towerOf("forcing", `http://127.0.0.1:${await freePort()}`, 0);
    await until("the replica has the channel", async () => {
      await tower.look();
      return ((await (await fetch(`${local.apiUrl}/v1/channels`)).json()) as { items: { id: number }[] }).items.some((shown) => shown.id === id);
    });
    await tower.intake.submit(channel.request(channel.state(0, { base: channel.base(1, 0, 0), voucher: { sequence: 9, paid: 90 } })));
    await send(channel.parties[1], encodeRecord("CHANNEL_CHALLENGE", { slot, id }));
    await until("the forced answer is executed", async () => (await paidBy(slot)) === 90);
    await stop();
  });
});

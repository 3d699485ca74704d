import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet, keccak256, toUtf8Bytes } from "ethers";

import { connectSequencerSet } from "../../../chain/connectContracts.ts";
import { toHex } from "../../../core/codec/hex.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { Metrics } from "../../../runtime/metrics/Metrics.ts";
import { createStatusServer } from "../../../services/challenger/createStatusServer.ts";
import { createEvidence } from "../../../services/challenger/evidence/createEvidence.ts";
import type { Evidence } from "../../../services/challenger/evidence/createEvidence.ts";
import type { TravellingHead } from "../../../services/challenger/evidence/HeadBook.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import type { RollupOnChain } from "../../builders/rollupOnChain.ts";
import { signHeadFor } from "../../builders/signedHead.ts";

const [, OPERATOR, REPORTER] = DEVELOPMENT_KEYS;
const BOND = 10_000n;

describe("equivocation, as the challenger reports it", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let rollup: RollupOnChain;
  let dir: string;
  let evidence: Evidence;
  let sequencer: Server;
  let told: TravellingHead;
  let slot: number;
  const signer = Wallet.createRandom();
  const stranger = Wallet.createRandom();

  async function headOf(key: { privateKey: string }, position: number, text: string, inSlot = slot): Promise<TravellingHead> {
    const head = { slot: inSlot, position, head: keccak256(toUtf8Bytes(text)) };
    const signature = await signHeadFor(new Wallet(key.privateKey), head, { chainId: chain.chainId, inbox: rollup.deployment.contracts.inbox });
    return { ...head, signature: toHex(signature) };
  }
  const open = (): Evidence =>
    createEvidence({ provider: chain.provider, deployment: rollup.deployment, dataDir: dir, sequencers: [`http://127.0.0.1:${(sequencer.address() as AddressInfo).port}`, "http://127.0.0.1:9"], logger: silentLogger })!;
  const read = async () => evidence.read((await chain.provider.getBlock("latest")) as { number: number; hash: string; parentHash: string; timestamp: number });

  before(async () => {
    chain = await startLocalChain("anvil");
    rollup = await deployRollupOn(chain, { operatorBondWei: BOND });
    dir = mkdtempSync(join(tmpdir(), "agnt2-evidence-"));
    const set = connectSequencerSet(rollup.deployment, new Wallet(OPERATOR, chain.provider))!;
    await (await set.join(signer.address, { value: BOND })).wait();
    slot = Number(await set.currentSlot()) + 3;
    sequencer = createServer((request, response) => response.end(request.url === "/v1/head" ? JSON.stringify(told) : "{}"));
    sequencer.listen(0, "127.0.0.1");
    await once(sequencer, "listening");
    told = await headOf(signer, 7, "what the sequencer tells the world");
    evidence = open();
  });
  after(async () => {
    sequencer.close();
    await evidence.close();
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it("one head for each place, heads of strangers and of slot 0: are nothing to report", async () => {
    expect(await read()).to.deep.equal([]);
    expect(evidence.add(await headOf(signer, 8, "the next"))).to.equal("new");
    expect(evidence.add(await headOf(signer, 8, "the next"))).to.equal("known");
    expect(evidence.add(await headOf(stranger, 8, "a stranger's"))).to.equal("foreign");
    expect(evidence.add(await headOf(signer, 8, "of no slot", 0))).to.equal("foreign");
    expect(evidence.add({ ...(await headOf(signer, 8, "x")), signature: `0x${"11".repeat(64)}` })).to.equal("foreign");
    expect(() => evidence.add({ slot, position: 1, head: "0x12", signature: "0x" })).to.throw();
    expect(evidence.headCount).to.equal(2);
    expect(await read()).to.deep.equal([]);
  });

  it("two heads for one place: are reported over HTTP by who saw the other, kept over a restart, and cost the bond once", async () => {
    const server = createStatusServer({ host: "127.0.0.1", port: 0, metrics: new Metrics({ service: "test" }), logger: silentLogger, status: () => ({ alarms: [] }) as never, isWell: () => true, addHead: evidence.add });
    const url = `http://127.0.0.1:${await server.listen()}/v1/heads`;
    const post = async (body: string): Promise<{ status: number; json: unknown }> => {
      const response = await fetch(url, { method: "POST", body });
      return { status: response.status, json: await response.json() };
    };
    for (const bad of ["", "{}", "[{}]", `[${"1".repeat(70_000)}]`]) expect((await post(bad)).status).to.equal(400);
    expect(await post(JSON.stringify([await headOf(signer, 7, "what it told somebody else"), await headOf(stranger, 7, "y")]))).to.deep.equal({ status: 200, json: { contradiction: 1, foreign: 1 } });
    server.close();
    await evidence.close();
    evidence = open();

    const [report, ...more] = await read();
    expect(more).to.deep.equal([]);
    const reporter = new Wallet(REPORTER, chain.provider);
    await (await reporter.sendTransaction({ to: report!.to, data: report!.data, gasLimit: report!.gasLimit })).wait();
    const set = connectSequencerSet(rollup.deployment, reporter)!;
    expect((await set.operators(new Wallet(OPERATOR).address)).isSlashed).to.equal(true);
    expect([await set.credit(reporter.address), await set.burned()]).to.deep.equal([BOND / 2n, BOND / 2n]);
    expect(await read()).to.deep.equal([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { ContractFactory, Interface, Wallet } from "ethers";
import type { BaseContract } from "ethers";

import { connectIdentityRegistry, connectReputationRegistry } from "../../../chain/agents/connectRegistries.ts";
import { connectProofOfService } from "../../../chain/agents/proofOfService.ts";
import type { BundleRecord } from "../../builders/signedBundle.ts";
import { loadConfig } from "../../../runtime/config/loadConfig.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { stateRootOf } from "../../../sdk/stateProof.ts";
import { apiSettings } from "../../../services/api/config.ts";
import { createApiService } from "../../../services/api/service.ts";
import type { ApiService } from "../../../services/api/service.ts";
import { fromHex } from "../../../core/codec/index.ts";
import type { IdentityRegistry, ProofOfService, ReputationRegistry } from "../../../typechain-types/index.ts";
import { readArtifact } from "../../builders/readArtifact.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../../builders/localChain.ts";
import type { LocalChain } from "../../builders/localChain.ts";
import { deployRollupOn } from "../../builders/rollupOnChain.ts";
import { scriptFor } from "../../builders/rollupScript.ts";
import type { RollupScript } from "../../builders/rollupScript.ts";
import { concatBytes } from "../../builders/signedBundle.ts";

type Json = Record<string, unknown>;

const [OWNER, ALICE, BOB] = DEVELOPMENT_KEYS;
const FEE_WEI = 1_000n;
const LATER_SECONDS = 1_000;
const REVIEW_SECONDS = 500;
const OUTPUT = new Uint8Array(32).fill(8);
const [REVIEW, WORKFLOW] = [1, 2];

/** Everything is real but the sequencer: registries, link, calls, claims, and the replica that makes the proofs. */
describe("API, proofs of service", function () {
  this.timeout(60_000);
  let chain: LocalChain;
  let script: RollupScript;
  let service: ApiService;
  let dir: string;
  let identity: IdentityRegistry;
  let reputation: ReputationRegistry;
  let proofs: ProofOfService;
  let wallet: Wallet;
  let batches = 0;

  const get = async (path: string): Promise<Json> => (await (await fetch(`${service.url}${path}`)).json()) as Json;
  async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
    for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 30))) {
      const answer = await ask();
      if (answer !== undefined) return answer;
    }
    throw new Error(`${what} never came`);
  }
  const l1Time = async (): Promise<number> => (await chain.provider.getBlock("latest"))?.timestamp ?? 0;
  const nonces = new Map<string, number>();
  const bundle = (key: string, ...records: readonly BundleRecord[]): Uint8Array => {
    const nonce = nonces.get(key) ?? 0;
    nonces.set(key, nonce + 1);
    return script.bundle(key, key === ALICE ? 1 : 2, nonce, ...records);
  };
  const submit = async (...bundles: readonly Uint8Array[]): Promise<void> => {
    await script.submit(concatBytes(...bundles));
    batches += 1;
  };
  const respond = (slot: number, id: number): BundleRecord => ({ op: "RESPOND", fields: { status: 0, slot, id, outputHash: OUTPUT } });
  /** Claims what the replica has derived and has it confirmed: every batch is an epoch. */
  async function confirmAll(): Promise<void> {
    for (let batch = 0; batch < batches; batch += 1) {
      const { stateRoot } = await until(`batch ${batch}`, async () => {
        const body = await get(`/v1/batches/${batch}`);
        return typeof body["stateRoot"] === "string" ? { stateRoot: body["stateRoot"] } : undefined;
      });
      await script.confirm(await script.claim(stateRoot));
    }
    await chain.send("evm_mine");
  }

  before(async () => {
    chain = await startLocalChain("anvil");
    wallet = new Wallet(OWNER, chain.provider);
    let nonce = await wallet.getNonce();
    const deploy = async (source: string, ...args: unknown[]): Promise<string> => {
      const { abi, bytecode } = readArtifact(source);
      const contract: BaseContract = await new ContractFactory(abi, bytecode, wallet).deploy(...args, { nonce: nonce++ });
      return (await contract.waitForDeployment()).getAddress();
    };
    const behindProxy = async (name: string, types: string, ...args: string[]): Promise<string> => {
      const initialize = new Interface([`function initialize(${types})`]).encodeFunctionData("initialize", args);
      return await deploy("agents/RegistryProxy", await deploy(`agents/${name}`), initialize);
    };
    const names = await behindProxy("IdentityRegistry", "address", wallet.address);
    const words = await behindProxy("ReputationRegistry", "address,address", names, wallet.address);
    const rollup = await deployRollupOn(chain, { identityRegistry: names });
    nonce = await wallet.getNonce();
    const proofOfService = await deploy("agents/ProofOfService", rollup.deployment.contracts.settlement, names, words, FEE_WEI, 10);
    [identity, reputation, proofs] = [connectIdentityRegistry(names, wallet), connectReputationRegistry(words, wallet), connectProofOfService(proofOfService, wallet)];
    script = scriptFor(chain, rollup);
    dir = mkdtempSync(join(tmpdir(), "agnt2-service-proof-"));
    const deployment = { ...rollup.deployment, contracts: { ...rollup.deployment.contracts, proofOfService } };
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(deployment, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
    const flags = ["--port=0", `--l1-url=${chain.url}`, `--deployment=${join(dir, "deployment.json")}`, `--data-dir=${join(dir, "data")}`, "--poll-ms=30", "--log-level=silent"];
    service = createApiService(loadConfig(apiSettings, { env: {}, flags }), silentLogger);
    await service.start();

    // Bob registers agent 0 and links his account to it; he answers four of Alice's calls, and fails in one.
    await script.deposit(ALICE, 5_000);
    await script.deposit(BOB, 5_000);
    const bob = new Wallet(BOB, chain.provider);
    await (await connectIdentityRegistry(names, bob)["register()"]()).wait();
    await (await rollup.as(BOB).inbox.linkAgent(0)).wait();
    const deadline = (await l1Time()) + LATER_SECONDS;
    const invoke = (price: number, more: Json = {}): BundleRecord => ({ op: "INVOKE", fields: { provider: 2, price, deadline, ...more } }) as BundleRecord;
    await submit(
      bundle(
        ALICE, invoke(10), invoke(20, { flags: REVIEW, reviewWindow: REVIEW_SECONDS }), invoke(30, { flags: REVIEW, reviewWindow: REVIEW_SECONDS }),
        { op: "WORKFLOW_OPEN", fields: { expected: 1, escrow: 40, deadline } }, invoke(40, { flags: WORKFLOW, workflowSlot: 0, workflowId: 1 }), invoke(50),
      ),
      bundle(BOB, respond(0, 1), respond(1, 2), respond(2, 3), respond(3, 4), { op: "RESPOND", fields: { status: 1, slot: 4, id: 5, outputHash: OUTPUT } }),
      bundle(ALICE, { op: "ACCEPT", fields: { rating: 5, slot: 1, id: 2 } }, { op: "COMPOSE", fields: { slot: 0, id: 1 } }, { op: "CLAIM", fields: { slot: 3, id: 4 } }),
    );
    await chain.send("evm_increaseTime", [REVIEW_SECONDS + 10]);
    await chain.send("evm_mine");
    await submit(bundle(ALICE, { op: "TIMEOUT", fields: { slot: 2, id: 3 } }));
    await confirmAll();
  });
  after(async () => {
    await service.stop({ kind: "requested", by: "the test" });
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const paidReceipts = async (): Promise<Json[]> => (await get("/v1/receipts?paidTo=2"))["items"] as Json[];
  const ready = (number: unknown): Promise<Json> =>
    until(`the proof of receipt ${String(number)}`, async () => {
      const body = await get(`/v1/receipts/${String(number)}/service`);
      return body["error"] === undefined ? body : undefined;
    });

  it("calls that were paid: are as many as the account's leaf says were served, each in its own way", async () => {
    const paid = await paidReceipts();
    expect(paid.map(({ op, amount }) => [op, (amount as Json)["units"]])).to.deep.equal([["RESPOND", 10], ["ACCEPT", 20], ["CLAIM", 40], ["TIMEOUT", 30]]);
    expect(((await get("/v1/agents/2"))["calls"] as Json)["served"]).to.equal(paid.length);
  });

  const confirmedRoot = async (claimId: string): Promise<string> => {
    const settlement = new Interface(["function confirmedState(bytes32) view returns (bytes32, uint32)"]);
    const data = await chain.provider.call({ to: await proofs.settlement(), data: settlement.encodeFunctionData("confirmedState", [claimId]) });
    return String(settlement.decodeFunctionResult("confirmedState", data)[0]);
  };

  it("proofs: lead to the confirmed state, as a client finds without believing the API", async () => {
    const [first] = await paidReceipts();
    const body = await ready(first?.["number"]);
    const stateRoot = await confirmedRoot(String(body["claimId"]));
    const given = body["proofs"] as Record<string, Json>;
    for (const [name, kind] of [["receipt", "RECEIPT"], ["requester", "AGENT"], ["provider", "AGENT"]] as const) {
      const { index, leaf, siblings } = given[name] as { index: number; leaf: string[]; siblings: string[] };
      const bytes = (words: readonly string[]): Uint8Array => fromHex(`0x${words.map((word) => word.slice(2)).join("")}`);
      expect(stateRootOf(kind, index, bytes(leaf), bytes(siblings))).to.equal(stateRoot);
    }
    expect([body["agentId"], body["client"], body["server"]]).to.deep.equal(["0", new Wallet(ALICE).address.toLowerCase(), new Wallet(BOB).address.toLowerCase()]);
  });
  it("ready-made calls: count every paid call once, for agent 0", async () => {
    for (const { number } of await paidReceipts()) {
      const { to, data } = (await ready(number))["transaction"] as { to: string; data: string };
      await (await wallet.sendTransaction({ to, data, value: FEE_WEI })).wait();
      const again = await wallet.call({ to, data, value: FEE_WEI }).then(() => "counted", () => "refused");
      expect(again).to.equal("refused");
    }
    const proven = await proofs.provenOf(0);
    expect([proven.calls, proven.clients]).to.deep.equal([4n, 1n]);
    expect(await chain.provider.getBalance(await proofs.getAddress())).to.equal(4n * FEE_WEI);
  });

  it("feedback of who paid: counts with the calls that were proven", async () => {
    const alice = reputation.connect(new Wallet(ALICE, chain.provider));
    await (await alice.giveFeedback(0, 95, 0, "", "", "", "", new Uint8Array(32))).wait();
    await (await proofs.attachFeedback(0, new Wallet(ALICE).address, 1)).wait();
    const { weight, weightedScore } = await proofs.provenOf(0);
    expect([weight, weightedScore]).to.deep.equal([4n, 380n]);
    expect(await identity.ownerOf(0)).to.equal(new Wallet(BOB).address);
  });
});

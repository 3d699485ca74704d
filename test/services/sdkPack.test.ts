import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { verifyTypedData } from "ethers";

import { startLocalNetwork } from "../builders/localNetwork.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "..", "..");
const NODE = join(ROOT, "node_modules", ".bin", "node");
const INBOX = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
const BUNDLE = ["uint32 agent", "uint64 nonce", "uint16 count", "uint32 validUntil", "bytes32 recordsHash"];

/** What somebody else writes who has only the package. */
const PROGRAM = `
import { buildBundle, createKeySigner, decodeRecord, domainSeparator, encodeRecord, fromHex, SdkError, toChainUnits, toHex } from "agnt2-sdk";
import { createKeystore, openKeystore } from "agnt2-sdk/node";

const inbox = "${INBOX}";
const signer = createKeySigner("0x" + "11".repeat(32));
const asset = { assetScale: 1_000_000_000n, decimals: 18, symbol: "ETH" };
const record = encodeRecord("TRANSFER", { to: 2, amount: toChainUnits("0.5", asset) });
const domain = { chainId: 31337, inbox, separator: domainSeparator({ chainId: 31337, inbox: fromHex(inbox) }) };
const bundle = await buildBundle({ agent: 1, nonce: 7, validUntil: 2_000_000_000, records: [record] }, signer, domain);
const { fields } = decodeRecord(bundle.slice(0, 96));
let code = "none";
try { toChainUnits("-1", asset); } catch (error) { code = error instanceof SdkError ? error.code : "other"; }
console.log(JSON.stringify({ address: signer.address, bytes: bundle.length, r: toHex(fields.signatureR), vs: toHex(fields.signatureVs), record: toHex(record), code,
  keystore: typeof createKeystore === "function" && typeof openKeystore === "function" }));
`;

const TYPED_PROGRAM = `
import { Agnt2Client, createKeySigner } from "agnt2-sdk";
const client = new Agnt2Client({ sequencerUrl: "http://127.0.0.1:1" });
export async function pay(): Promise<number> {
  const agent = await client.agent({ signer: createKeySigner("0x" + "11".repeat(32)) });
  return (await agent.transfer(2, "0.5").durable).receipt;
}
`;

/** Two agents on a live network, one over the stream and one over HTTP; and one that trusts another sequencer. */
const LIVE_PROGRAM = `
import { readFileSync } from "node:fs";
import { JsonRpcProvider, Wallet } from "ethers";
import { Agnt2Client, createKeySigner, HttpService, L1Account } from "agnt2-sdk";

const { sequencerUrl, apiUrl, faucetUrl, l1Url, deploymentFile } = JSON.parse(process.env.NETWORK);
const deployment = JSON.parse(readFileSync(deploymentFile, "utf8"));
const stream = new Agnt2Client({ sequencerUrl, apiUrl, deployment });
const http = new Agnt2Client({ sequencerUrl, apiUrl, deployment, transport: "http" });
const l1 = new JsonRpcProvider(l1Url, undefined, { staticNetwork: true, pollingInterval: 100, cacheTimeout: -1 });

async function newAgent(client) {
  const wallet = new Wallet(Wallet.createRandom().privateKey, l1);
  await new HttpService(faucetUrl).postJson("/v1/faucet", { address: wallet.address });
  const account = await L1Account.connect(client, wallet);
  await account.credited(await account.deposit("1"));
  return client.agent({ signer: createKeySigner(wallet.privateKey) });
}
const alice = await newAgent(stream);
const bob = await newAgent(http);
const call = alice.invoke({ provider: bob.address, price: "0.25", input: "good morning", deadlineSeconds: 60 });
const { slot, id } = await call.durable;
const answer = bob.respond({ slot, id }, "GOOD MORNING");
const { receipt } = await answer.durable;
const { stateRoot } = await answer.rooted;
const proven = await answer.proven(30_000);

const codes = [];
for (const transport of ["stream", "http"]) {
  let client;
  try {
    client = new Agnt2Client({ sequencerUrl, deployment, sequencerAddress: "0x" + "ab".repeat(20), transport });
  } catch (error) {
    codes.push(error.code);
    continue;
  }
  const key = createKeySigner(Wallet.createRandom().privateKey);
  await alice.openAccount(key.address, "0.1").durable;
  const agent = await client.agent({ signer: key });
  codes.push(await agent.transfer(1, "0.001").durable.then(() => "none", (error) => error.code));
  await client.close();
}
console.log(JSON.stringify({ earned: (await bob.account()).earned, receipt, sameReceipt: proven.index === receipt, isRoot: /^0x[0-9a-f]{64}$/.test(stateRoot), outcome: proven.fields.outcome, codes }));
await stream.close();
await http.close();
l1.destroy();
`;

/** Every file that importing an entry of the package reads, and every other module it names. */
function importsOf(entry: string): { files: Set<string>; modules: Set<string> } {
  const files = new Set<string>();
  const modules = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, specifier = ""] of readFileSync(file, "utf8").matchAll(/(?<!")\b(?:from|import\(?)\s*"([^"]+)"/g)) {
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier));
      else modules.add(specifier);
    }
  };
  visit(entry);
  return { files, modules };
}

describe("SDK package", function () {
  this.timeout(240_000);
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "agnt2-sdk-user-"));
    await run(NODE, [join(ROOT, "scripts", "buildSdk.ts")]);
    const packed = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: join(ROOT, "dist", "sdk") });
    const [{ filename }] = JSON.parse(packed.stdout) as { filename: string }[];
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, filename)], { cwd: folder });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("SDK package: talks from a foreign folder to a live network, over the stream and over HTTP, and trusts no other sequencer than the deployment's", async () => {
    const network = await startLocalNetwork();
    try {
      const { sequencerUrl, apiUrl, faucetUrl, l1Url, deploymentFile } = network;
      await writeFile(join(folder, "live.js"), LIVE_PROGRAM);
      const options = { cwd: folder, env: { ...process.env, NETWORK: JSON.stringify({ sequencerUrl, apiUrl, faucetUrl, l1Url, deploymentFile }) }, timeout: 120_000 };
      const { stdout } = await run(NODE, ["live.js"], options);
      const expected = { earned: 250_000_000, sameReceipt: true, isRoot: true, outcome: 0 };
      expect(JSON.parse(stdout)).to.deep.include({ ...expected, codes: ["SDK_BAD_SIGNATURE", "SDK_BAD_SIGNATURE"] });

      // What Node 20 has not: without a WebSocket the SDK falls back to HTTP by itself.
      await writeFile(join(folder, "old.mjs"), "delete Promise.withResolvers; delete globalThis.WebSocket; delete Array.fromAsync; delete Uint8Array.fromHex;");
      const old = await run(NODE, ["--import", "./old.mjs", "live.js"], options);
      expect(JSON.parse(old.stdout)).to.deep.include({ ...expected, codes: ["SDK_INPUT", "SDK_BAD_SIGNATURE"] });
    } finally {
      await network.stop();
    }
  });

  it("SDK package: names nothing of Node's in what a browser loads", () => {
    const root = join(folder, "node_modules", "agnt2-sdk");
    const { files, modules } = importsOf(join(root, "sdk", "index.js"));
    expect(files.size).to.be.greaterThan(30);
    expect([...modules].filter((name) => !/^(zod$|ethers|@hpke\/core$|@noble\/(curves|hashes)\/)/.test(name))).to.deep.equal([]);
    for (const file of files) expect(readFileSync(file, "utf8"), file).not.to.match(/\b(process\.|Buffer\b|require\(|__dirname|import\.meta\.dirname)/);
    const forNode = importsOf(join(root, "sdk", "node", "index.js"));
    expect([...forNode.modules]).to.include("node:fs/promises");
    expect(existsSync(join(root, "README.md")) && existsSync(join(root, "LICENSE"))).to.equal(true);
  });

  it("SDK package: signs in a foreign folder what the chain recovers, and has types", async () => {
    await writeFile(join(folder, "program.js"), PROGRAM);
    const { stdout } = await run(NODE, ["program.js"], { cwd: folder });
    const result = JSON.parse(stdout) as { address: string; bytes: number; r: string; vs: string; record: string; code: string; keystore: boolean };
    const { keccak256, concat, ZeroHash } = await import("ethers");
    const message = { agent: 1, nonce: 7, count: 1, validUntil: 2_000_000_000, recordsHash: keccak256(concat([ZeroHash, result.record])) };
    const fields = BUNDLE.map((field) => ({ type: field.split(" ")[0]!, name: field.split(" ")[1]! }));
    const signed = verifyTypedData({ name: "agnt2", version: "1", chainId: 31337, verifyingContract: INBOX }, { Bundle: fields }, message, concat([result.r, result.vs]));
    expect(signed.toLowerCase()).to.equal(result.address);
    expect([result.bytes, result.code, result.keystore]).to.deep.equal([192, "SDK_AMOUNT", true]);

    await writeFile(join(folder, "typed.ts"), TYPED_PROGRAM);
    const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const types = ["--typeRoots", join(ROOT, "node_modules", "@types"), "--types", "node"];
    await run(NODE, [compiler, "--noEmit", "--strict", "--target", "es2024", "--module", "nodenext", "--skipLibCheck", ...types, "typed.ts"], { cwd: folder });
  });
});

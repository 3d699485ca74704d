import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { verifyTypedData } from "ethers";

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

describe("SDK package", function () {
  this.timeout(240_000);
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), "agnt2-sdk-user-"))));
  after(() => rm(folder, { recursive: true, force: true }));

  it("SDK package: installs into a foreign folder, signs there what the chain recovers, and has types", async () => {
    await run(NODE, [join(ROOT, "scripts", "buildSdk.ts")]);
    const packed = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: join(ROOT, "dist", "sdk") });
    const [{ filename }] = JSON.parse(packed.stdout) as { filename: string }[];
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(folder, filename)], { cwd: folder });

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

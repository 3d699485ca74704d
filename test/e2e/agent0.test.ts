import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet, ZeroAddress, hexlify, toUtf8Bytes } from "ethers";

import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { deployRegistriesOn } from "../builders/registriesOnChain.ts";
import type { Registries } from "../builders/registryScene.ts";

const FOLDER = join(import.meta.dirname, "..", "clients", "agent0");
const INSTALL_MS = 300_000;
const [OWNER_KEY, CLIENT_KEY, WALLET_KEY] = DEVELOPMENT_KEYS;
const [owner, client, wallet] = [OWNER_KEY, CLIENT_KEY, WALLET_KEY].map((key) => new Wallet(key).address);
const BUYER = "0x00000000000000000000000000000000000b0b0b";

interface Seen {
  readonly [name: string]: unknown;
  readonly loaded: Readonly<Record<string, unknown>>;
  readonly feedback: Readonly<Record<string, unknown>>;
}

/** Runs a program in the client's folder and answers what it printed. */
async function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn(command, args, { cwd: FOLDER, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let [output, problems] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (problems += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}${problems}`);
  return output;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

/** Installs the client by its own lock file, unless what is there is of this lock file. */
async function install(): Promise<void> {
  const packagesOf = (path: string): Lock["packages"] => (JSON.parse(readFileSync(join(FOLDER, path), "utf8")) as Lock).packages;
  const versions = (packages: Lock["packages"]): string[] => Object.entries(packages).filter(([name]) => name !== "").map(([name, { version }]) => `${name} ${version}`).sort();
  // npm writes down what it installed when it is done.
  const installed = join("node_modules", ".package-lock.json");
  const isCurrent = existsSync(join(FOLDER, installed)) && versions(packagesOf(installed)).join() === versions(packagesOf("package-lock.json")).join();
  if (!isCurrent) await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
}

describe("agent0-sdk against our registries", function () {
  this.timeout(120_000);
  let chain: LocalChain;
  let registries: Registries;
  let seen: Seen;

  before(async function () {
    this.timeout(INSTALL_MS);
    await install();
    chain = await startLocalChain("anvil");
    registries = await deployRegistriesOn(new Wallet(OWNER_KEY, chain.provider));
    const { identity, reputation, validation } = registries;
    const output = await run(process.execPath, ["session.mjs"], {
      RPC_URL: chain.url, IDENTITY: await identity.getAddress(), REPUTATION: await reputation.getAddress(), VALIDATION: await validation.getAddress(),
      OWNER_KEY, CLIENT_KEY, WALLET_KEY, BUYER_ADDRESS: BUYER,
    });
    seen = JSON.parse(output.trim().split("\n").at(-1)!) as Seen;
  });
  after(() => chain?.stop());

  it("registers an agent with its card and metadata, and reads it without a key", async () => {
    expect(seen["agentId"]).to.equal("31337:0");
    expect(seen.loaded).to.deep.equal({ name: "Ada", description: "Answers questions about engines", mcp: "https://agent.example/mcp", owner, wallet: owner });
    expect(seen["isOwner"]).to.deep.equal([true, false]);
    expect(seen["metadata"]).to.deep.equal([hexlify(toUtf8Bytes("analytical")), hexlify(toUtf8Bytes("7"))]);
    expect(seen["renamed"]).to.equal("Ada II");
    expect(await registries.identity.tokenURI(0)).to.match(/^data:application\/json;base64,/);
  });

  it("sets metadata, and is told that the wallet's key is reserved", async () => {
    expect(seen["changedMetadata"]).to.equal("0x0102");
    expect(await registries.identity.getMetadata(0, "model")).to.equal("0x0102");
    expect(seen["reservedKey"]).to.include("reserved key");
  });

  it("sets a wallet by the wallet's signature, and cannot without it", () => {
    expect(seen["wallet"]).to.equal(wallet);
    expect(seen["foreignWallet"]).to.include("invalid wallet sig");
  });

  it("rates within the gas that it sends, and reads what it said", async () => {
    expect(seen["firstStatus"]).to.equal("success");
    expect(seen.feedback).to.deep.include({ agentId: "31337:0", reviewer: client, value: 87.5, tags: ["quality", "latency"], endpoint: "https://agent.example/mcp", isRevoked: false });
    expect(await registries.reputation.getLastIndex(0, client!)).to.equal(2n);
  });

  it("is refused when the owner rates its own agent", () => {
    // The client sends it with a gas limit of its own, so that the chain, not an estimate, refuses it.
    expect(seen["selfRating"]).to.match(/Self-feedback not allowed|reverted/i);
  });

  it("summarises, responds and revokes", () => {
    // 87.5 and 50: the mean has the decimals of the one that has fewer.
    expect(seen["summaries"]).to.deep.equal([{ count: 2, averageValue: 68 }, { count: 1, averageValue: 87.5 }]);
    expect(seen["revoked"]).to.equal(true);
    expect(seen["summaryAfter"]).to.deep.equal({ count: 1, averageValue: 50 });
    expect(seen["revokedTwice"]).to.include("Already revoked");
  });

  it("answers are on chain under the responder's name", async () => {
    expect(await registries.reputation.getResponseCount(0, client!, 1, [owner!])).to.equal(1n);
  });

  it("gives the wallet and the agent away", async () => {
    expect(seen["unsetWallet"]).to.equal(null);
    expect(String(seen["newOwner"]).toLowerCase()).to.equal(BUYER);
    expect((await registries.identity.ownerOf(0)).toLowerCase()).to.equal(BUYER);
    expect(await registries.identity.getAgentWallet(0)).to.equal(ZeroAddress);
  });

  it("is told of an agent that does not exist", () => {
    expect(seen["unknownAgent"]).to.match(/ERC721NonexistentToken|reverted/i);
  });

  it("leaves searching to a subgraph, which nobody runs here: it finds nothing and breaks nothing", () => {
    expect(seen["searchFeedback"]).to.deep.equal([]);
    expect(seen["searchAgents"]).to.be.a("string");
  });
});

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Contract, ContractFactory, Wallet, ZeroAddress, keccak256, parseEther, toQuantity, toUtf8Bytes } from "ethers";
import type { BaseContract, InterfaceAbi } from "ethers";

import { connectBountyBoard, connectJobEscrow } from "../../chain/bounties/connectBountyBoard.ts";
import { deploymentText } from "../../chain/readRollup.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { deployEconomyOn } from "../builders/economyOnChain.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";
import { mined } from "../builders/mined.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CLI = join(ROOT, "cli", "bin", "agnt2.mjs");
const COMMAND_MS = 90_000;
const HOUR = 3_600;
const PHASES = { fundingSeconds: HOUR, commitSeconds: HOUR, revealSeconds: HOUR, awardSeconds: HOUR, reviewSeconds: HOUR };
const WORK = keccak256(toUtf8Bytes("the work"));
const GOOD = 0;
/** More than all the gas of a few transactions. */
const GAS_WEI = parseEther("0.01");

type Json = Record<string, unknown>;

/** What a command refused with. */
interface Refusal {
  readonly exit: number;
  readonly code: unknown;
  readonly contractError: unknown;
}

describe("CLI: agents and bounties on L1", function () {
  this.timeout(COMMAND_MS);
  let chain: LocalChain;
  let dir: string;
  let deployment: Deployment;
  let env: Record<string, string>;
  let token: Contract;
  let meter: Contract;
  const [patron, funder, otto, olga, judge, arbiter, stranger] = Array.from({ length: 7 }, () => new Wallet(Wallet.createRandom().privateKey)) as [Wallet, Wallet, Wallet, Wallet, Wallet, Wallet, Wallet];
  const lower = ({ address }: { address: string }): string => address.toLowerCase();

  function run(wallet: { privateKey: string } | undefined, args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const own = { ...env, ...(wallet === undefined ? {} : { AGNT2_KEY: wallet.privateKey }) };
      execFile(process.execPath, [CLI, "--json", ...args], { env: own, timeout: COMMAND_MS }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr }));
    });
  }
  async function ok(wallet: { privateKey: string } | undefined, ...args: string[]): Promise<Json> {
    const { code, stdout, stderr } = await run(wallet, args);
    expect(code, `agnt2 ${args.join(" ")}: ${stderr}`).to.equal(0);
    return JSON.parse(stdout) as Json;
  }
  async function fails(wallet: { privateKey: string } | undefined, ...args: string[]): Promise<Refusal> {
    const { code: exit, stdout, stderr } = await run(wallet, args);
    expect(stdout, `agnt2 ${args.join(" ")}`).to.equal("");
    const { code, contractError } = (JSON.parse(stderr) as { error: Json }).error;
    return { exit, code, contractError };
  }
  const refused = (contractError: string): Refusal => ({ exit: 1, code: "L1_REVERT", contractError });
  const wrong = (code: string, exit = 1): Refusal => ({ exit, code, contractError: undefined });

  function termsFile(name: string, terms: Json): string {
    const file = join(dir, `${name}.json`);
    writeFileSync(file, JSON.stringify(terms));
    return file;
  }
  async function pass(seconds: number): Promise<void> {
    await chain.send("evm_increaseTime", [seconds]);
    await chain.send("evm_mine");
  }
  /** In the hands of a wallet of the network. */
  async function deploy(folder: string, name: string): Promise<Contract> {
    const { abi, bytecode } = JSON.parse(readFileSync(join(ROOT, "artifacts", "contracts", "test", folder, `${name}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
    const contract: BaseContract = await new ContractFactory(abi, bytecode, new Wallet(DEVELOPMENT_KEYS[0], chain.provider)).deploy();
    await contract.waitForDeployment();
    return contract as Contract;
  }
  const sent = async (contract: Contract, method: string, ...args: unknown[]): Promise<void> => void (await ((await contract.getFunction(method)(...args)) as { wait(): Promise<unknown> }).wait());
  const wei = (wallet: Wallet): Promise<bigint> => chain.provider.getBalance(wallet.address);
  const tokens = async (wallet: Wallet): Promise<bigint> => (await token.getFunction("balanceOf")(wallet.address)) as bigint;
  /** What the board owes in all, and that it has it. */
  async function owed(asset = ZeroAddress): Promise<bigint> {
    const board = deployment.contracts["bountyBoard"]!;
    const base = await connectBountyBoard(board, chain.provider).owed(asset);
    const held = asset === ZeroAddress ? await chain.provider.getBalance(board) : ((await token.getFunction("balanceOf")(board)) as bigint);
    expect(held).to.equal(base);
    return base;
  }
  /** Takes it, and the money is there. */
  async function takes(wallet: Wallet, eth: string, ...more: string[]): Promise<void> {
    const before = await wei(wallet);
    expect(await ok(wallet, "bounty", "withdraw", ...more)).to.deep.equal({ amount: parseEther(eth).toString() });
    expect(await wei(wallet)).to.be.within(before + parseEther(eth) - GAS_WEI, before + parseEther(eth));
  }

  before(async () => {
    chain = await startLocalChain("anvil");
    dir = mkdtempSync(join(tmpdir(), "agnt2-e2e-bounty-cli-"));
    deployment = await deployEconomyOn(chain);
    const file = join(dir, "deployment.json");
    writeFileSync(file, deploymentText(deployment));
    [token, meter] = [await deploy("tokens", "TestToken"), await deploy("actors", "TestMeter")];
    for (const { address } of [patron, funder, otto, olga, judge, arbiter, stranger]) await chain.send("anvil_setBalance", [address, toQuantity(parseEther("10"))]);
    for (const { address } of [patron, otto]) await sent(token, "mint", address, parseEther("100"));
    const { PATH = "" } = process.env;
    // No sequencer and no replica: L1 is enough.
    env = { PATH, HOME: dir, NO_COLOR: "1", L1_URL: chain.url, AGNT2_API_URL: "http://127.0.0.1:9", AGNT2_SEQUENCER_URL: "http://127.0.0.1:9", AGNT2_DEPLOYMENT: file };
  });
  after(async () => {
    await chain?.stop();
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true });
  });

  it("agent register, show, link, wallet, rate: two agents, of whom the first has the number 0", async () => {
    const first = await ok(otto, "agent", "register", "Otto", "--description", "works", "--service", "web=https://otto.example");
    expect(first["agentId"]).to.equal("0");
    const [, shown, linked, rated] = await Promise.all([
      ok(olga, "agent", "register", "--uri", "https://olga.example/agent.json").then((second) => expect(second).to.include({ agentId: "1", uri: "https://olga.example/agent.json" })),
      ok(undefined, "agent", "show", "0"),
      ok(otto, "agent", "link", "0"),
      ok(patron, "agent", "rate", "0", "87.5", "--tag1", "speed"),
    ]);
    expect(shown).to.include({ agentId: "0", owner: lower(otto), wallet: lower(otto), provenCalls: 0, clients: 0, score: null });
    expect(JSON.parse(Buffer.from(String(shown["uri"]).split(",")[1]!, "base64").toString())).to.deep.include({ name: "Otto", services: [{ name: "web", endpoint: "https://otto.example" }] });
    expect(linked).to.include({ agentId: "0", entry: 0 });
    expect(rated).to.include({ agentId: "0", feedbackIndex: 1 });
    expect(await ok(otto, "agent", "wallet", "0")).to.include({ wallet: lower(otto) });
    expect(await Promise.all([
      fails(otto, "agent", "link", "1"),
      fails(undefined, "agent", "show", "7"),
      fails(olga, "agent", "register", "--service", "web=https://olga.example"),
      fails(stranger, "agent", "attach", "0", patron.address, "1"),
      fails(stranger, "agent", "prove", "3"),
      fails(undefined, "agent", "link", "0"),
    ])).to.deep.equal([refused("NotAgentOwner"), refused("ERC721NonexistentToken"), wrong("SDK_INPUT"), refused("NoProvenCalls"), wrong("SDK_UNREACHABLE"), wrong("SDK_SIGNER")]);
  });

  it("bounty post, fund, bid, reveal, award, submit, reject, dispute, advance, refund, withdraw: a lump sum that an arbiter rules on", async () => {
    const terms = termsFile("judged", { ...PHASES, disputeSeconds: HOUR, rulingSeconds: HOUR, maxRounds: 1 });
    const posted = await ok(patron, "bounty", "post", "--intent", "A translation, please.", "--goal", "1", "--ceiling", "0.9", "--stake", "0.1", "--pool", "0.6", "--evaluator", judge.address, "--arbiter", arbiter.address, "--work", String(HOUR), "--terms", terms);
    expect(posted).to.include({ bounty: 1, pool: parseEther("0.6").toString() });
    expect(await ok(funder, "bounty", "fund", "1", "0.4")).to.include({ amount: parseEther("0.4").toString() });

    // What could not be revealed would cost half of the stake: it is not even committed.
    expect(await Promise.all([
      fails(olga, "bounty", "bid", "1", "0.95", "--agent", "1"),
      fails(stranger, "bounty", "bid", "1", "0.5", "--agent", "0"),
      fails(judge, "bounty", "reveal", "1"),
      fails(stranger, "bounty", "bid", "99", "0.5", "--agent", "0"),
    ])).to.deep.equal([wrong("SDK_INPUT"), wrong("SDK_INPUT"), wrong("SDK_INPUT"), wrong("SDK_INPUT")]);
    const bids = await Promise.all([ok(otto, "bounty", "bid", "1", "0.8", "--agent", "0"), ok(olga, "bounty", "bid", "1", "0.9", "--agent", "1")]);
    expect(bids.map(({ round, stake }) => [round, stake])).to.deep.equal([[1, parseEther("0.1").toString()], [1, parseEther("0.1").toString()]]);
    // Another price for the same round does not take the place of the salt that counts.
    const [again, hidden] = await Promise.all([fails(otto, "bounty", "bid", "1", "0.7", "--agent", "0"), ok(undefined, "bounty", "show", "1")]);
    expect(again).to.deep.equal(refused("AlreadyBid"));
    expect(hidden["bids"]).to.have.deep.members([otto, olga].map((bidder) => ({ bidder: lower(bidder), status: "COMMITTED", agentId: null, price: null })));
    await pass(HOUR);
    const revealed = await Promise.all([ok(otto, "bounty", "reveal", "1"), ok(olga, "bounty", "reveal", "1")]);
    expect(revealed.map(({ price }) => price)).to.deep.equal([parseEther("0.8").toString(), parseEther("0.9").toString()]);
    await pass(HOUR);
    expect(await Promise.all([fails(stranger, "bounty", "award", "1", otto.address), fails(stranger, "bounty", "award", "1"), fails(stranger, "bounty", "award", "1", otto.address.replace(/[a-f]/, (letter) => letter.toUpperCase()))]))
      .to.deep.equal([refused("NotPoster"), refused("WrongPhase"), wrong("CLI_USAGE", 2)]);
    expect(await ok(patron, "bounty", "award", "1", otto.address)).to.include({ worker: lower(otto) });

    const { job } = await ok(otto, "bounty", "submit", "1", WORK);
    expect(await Promise.all([fails(stranger, "bounty", "accept", "1"), fails(stranger, "bounty", "advance", "1")])).to.deep.equal([refused("NotAllowed"), refused("JobNotEnded")]);
    await ok(judge, "bounty", "reject", "1");
    expect(await ok(otto, "bounty", "dispute", "1")).to.include({ job, bond: parseEther("0.04").toString() });
    await mined(connectJobEscrow(deployment.contracts["jobEscrow"]!, arbiter.connect(chain.provider)).rule(String(job), 4_000));
    await ok(stranger, "bounty", "advance", "1");

    // 0.8 was its price: four tenths to Otto, the rest and his bond to the pool; of his stake a tenth to who reported, four tenths to the pool.
    expect(await ok(undefined, "bounty", "show", "1")).to.include({ phase: "CLOSED", worker: null, evaluator: lower(judge), arbiter: lower(arbiter), pool: parseEther("0.76").toString() });
    await Promise.all([ok(patron, "bounty", "refund", "1"), ok(funder, "bounty", "refund", "1"), takes(otto, "0.32"), takes(olga, "0.1", "--bid", "1")]);
    await takes(funder, "0.304");
    // The poster and the reporter have not asked for theirs; half of a stake is burned, and waits for somebody to send it there.
    expect(await owed()).to.equal(parseEther("0.456") + parseEther("0.01") + parseEther("0.05"));
  });

  it("bounty reopen, award without an address, accept: a second round, and anyone hires when the poster is silent", async () => {
    const terms = termsFile("plain", PHASES);
    const before = await owed();
    const { bounty } = await ok(patron, "bounty", "post", "--intent", "Again.", "--goal", "0.5", "--ceiling", "0.5", "--pool", "0.5", "--evaluator", judge.address, "--terms", terms);
    const id = String(bounty);
    // Nobody bids in the first round.
    await pass(4 * HOUR);
    await ok(stranger, "bounty", "reopen", id);
    await ok(olga, "bounty", "bid", id, "0.3", "--agent", "1");
    await pass(HOUR);
    await ok(olga, "bounty", "reveal", id);
    await pass(2 * HOUR);
    expect(await ok(stranger, "bounty", "award", id)).to.include({ worker: lower(olga) });
    await ok(olga, "bounty", "submit", id, WORK);
    await ok(judge, "bounty", "accept", id);
    await ok(stranger, "bounty", "advance", id);
    await Promise.all([takes(olga, "0.3"), ok(patron, "bounty", "refund", id)]);
    // With what the last one left.
    await takes(patron, "0.656");
    expect(await owed()).to.equal(before - parseEther("0.456"));
  });

  it("bounty take, claim: a direct award in a token, whose silent evaluator consents", async () => {
    const terms = termsFile("direct", { fundingSeconds: HOUR, awardSeconds: HOUR, reviewSeconds: HOUR });
    const [before, asset] = [await tokens(otto), String(token.target)];
    const { bounty } = await ok(patron, "bounty", "post", "--intent", "For Otto.", "--token", asset, "--goal", "12", "--ceiling", "12", "--stake", "2", "--pool", "10", "--evaluator", judge.address, "--bidder", otto.address, "--terms", terms);
    const id = String(bounty);
    await ok(patron, "bounty", "fund", id, "2");
    expect(await tokens(patron)).to.equal(parseEther("88"));
    await ok(otto, "bounty", "take", id, "--agent", "0");
    expect(await tokens(otto)).to.equal(before - parseEther("2"));
    await ok(otto, "bounty", "submit", id, WORK);
    await pass(HOUR);
    expect(await ok(stranger, "bounty", "claim", id)).to.include({ status: "completed" });
    await ok(stranger, "bounty", "advance", id);
    expect(await ok(otto, "bounty", "withdraw", "--token", asset)).to.deep.equal({ amount: parseEther("14").toString() });
    expect(await tokens(otto)).to.equal(before + parseEther("12"));
    expect(await owed(asset)).to.equal(0n);
  });

  it("bounty claim, fail, finish: metered work that is paid by the unit, fails, or ends by time", async () => {
    const terms = termsFile("metered", { fundingSeconds: HOUR, awardSeconds: HOUR, settleSeconds: HOUR, maxRounds: 1 });
    const before = await owed();
    const post = async (): Promise<string> => String((await ok(patron, "bounty", "post", "--kind", "METERED", "--intent", "By the unit.", "--goal", "1", "--ceiling", "0.1", "--stake", "0.2", "--pool", "1", "--source", String(meter.target), "--bidder", otto.address, "--work", String(HOUR), "--terms", terms))["bounty"]);
    // Two commands of one key at once: each finds a nonce.
    const [one, other] = await Promise.all([post(), post()]);
    const [notNamed] = await Promise.all([fails(olga, "bounty", "take", other, "--agent", "1"), ok(otto, "bounty", "take", one, "--agent", "0")]);
    expect(notNamed).to.deep.equal(refused("NotNamed"));
    await ok(otto, "bounty", "take", other, "--agent", "0");
    await sent(meter, "set", GOOD, 3n, false);
    const [refusedFail, refusedFinish, claimed] = await Promise.all([fails(olga, "bounty", "fail", one), fails(funder, "bounty", "finish", other), ok(stranger, "bounty", "claim", one)]);
    expect([refusedFail, refusedFinish]).to.deep.equal([refused("NotFailed"), refused("NotOver")]);
    expect(claimed).to.include({ units: "3", amount: parseEther("0.3").toString() });
    await sent(meter, "set", GOOD, 4n, true);
    const [shown, failed] = await Promise.all([ok(undefined, "bounty", "show", other), ok(stranger, "bounty", "fail", one)]);
    expect(shown).to.include({ units: "4", paidUnits: "0", failed: true });
    expect(failed).to.include({ bidder: lower(otto), reward: parseEther("0.02").toString(), burned: parseEther("0.1").toString() });
    await pass(2 * HOUR);
    await ok(olga, "bounty", "finish", other);
    // Four units of each, and one stake.
    await takes(otto, "1");
    // What was not earned, and the other stake, of which half is burned.
    expect(await owed()).to.equal(before + parseEther("1.2") + parseEther("0.2"));
  });

  it("bounty close, refund, list: one that is not funded to its goal gives the money back", async () => {
    const { bounty } = await ok(patron, "bounty", "post", "--intent", "Too dear.", "--goal", "5", "--ceiling", "5", "--pool", "0.25", "--evaluator", judge.address, "--terms", termsFile("dear", PHASES));
    const id = String(bounty);
    await ok(funder, "bounty", "fund", id, "0.75");
    await pass(HOUR);
    await ok(stranger, "bounty", "close", id);
    await ok(funder, "bounty", "refund", id);
    await takes(funder, "0.75");
    const rows = (await ok(undefined, "bounty", "list", "--from-l1"))["bounties"] as Json[];
    expect(rows.map((row) => [row["bounty"], row["phase"]])).to.deep.equal([6, 5, 4, 3, 2, 1].map((each) => [each, "CLOSED"]));
  });

  it("bounty post: says what is wrong with terms, files and amounts before anything is sent", async () => {
    const post = (...more: string[]): Promise<Refusal> => fails(patron, "bounty", "post", "--intent", "x", "--goal", "1", "--ceiling", "1", ...more);
    const broken = join(dir, "broken.json");
    writeFileSync(broken, "{");
    const count = await connectBountyBoard(deployment.contracts["bountyBoard"]!, chain.provider).bountyCount();
    expect(await Promise.all([
      post(),
      post("--evaluator", judge.address, "--terms", broken),
      post("--evaluator", judge.address, "--terms", termsFile("typo", { comitSeconds: 1 })),
      post("--kind", "METERED", "--source", String(meter.target), "--source-params", "0x1"),
      post("--evaluator", judge.address, "--pool", "1000"),
      fails(patron, "bounty", "show", "0"),
    ])).to.deep.equal([refused("BadTerms"), wrong("SDK_INPUT"), wrong("SDK_INPUT"), wrong("CLI_USAGE", 2), wrong("L1_FUNDS"), wrong("CLI_USAGE", 2)]);
    expect(await connectBountyBoard(deployment.contracts["bountyBoard"]!, chain.provider).bountyCount()).to.equal(count);
  });
});

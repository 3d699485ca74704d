import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { Wallet, parseEther } from "ethers";

import { connectContracts } from "../../chain/connectContracts.ts";
import { deploymentText, connectRollupFactory, readRollup } from "../../chain/readRollup.ts";
import type { Deployment } from "../../chain/Deployment.ts";
import { stopDatabases } from "../../scripts/demo/stopDatabases.ts";
import { AgentDesk } from "../../sdk/agents/AgentDesk.ts";
import { Agnt2Client, createKeySigner, L1Account, readOperatorSigners } from "../../sdk/index.ts";
import type { Agent } from "../../sdk/index.ts";
import { BountyDesk } from "../../sdk/bounties/BountyDesk.ts";
import { readEconomy } from "../../sdk/economy/readEconomy.ts";
import type { Economy } from "../../sdk/economy/readEconomy.ts";
import { PatronAgent } from "../../sdk/node/policy/PatronAgent.ts";
import type { PolicyNotice } from "../../sdk/node/policy/PolicyNotice.ts";
import { parsePolicy } from "../../sdk/node/policy/policySchema.ts";
import type { PatronPolicy } from "../../sdk/node/policy/policySchema.ts";
import { deployEconomyOn } from "../builders/economyOnChain.ts";
import { CHAIN_TEST_CONFIG } from "../builders/rollupOnChain.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "../builders/localChain.ts";
import type { LocalChain } from "../builders/localChain.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CLI = join(ROOT, "cli", "bin", "agnt2.mjs");
const SEQUENCER = join(ROOT, "services", "sequencer", "main.ts");
const WAIT_MS = 90_000;
const SALT = `0x${"07".repeat(32)}`;
const OPERATOR_BOND = "1";
const UNIT_PRICE_WEI = parseEther("0.01");

const BOB = `0x${"b0".repeat(20)}`;

type Event = Record<string, unknown> & { event: string };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** An operator as a process of its own that knows a key, a deployment and a policy file. */
class OperatorProcess {
  readonly wallet: Wallet;
  readonly events: Event[] = [];
  readonly dir: string;
  readonly #args: readonly string[];
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  output = "";

  constructor(wallet: Wallet, dir: string, args: readonly string[], env: Record<string, string>) {
    [this.wallet, this.dir, this.#args, this.#env] = [wallet, dir, args, env];
  }

  start(): void {
    const { PATH = "", HOME = "" } = process.env;
    const child = spawn(process.execPath, [CLI, "--json", ...this.#args], { cwd: ROOT, env: { PATH, HOME, AGNT2_KEY: this.wallet.privateKey, ...this.#env }, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.stderr.on("data", (data: Buffer) => (this.output += data.toString()));
    let rest = "";
    child.stdout.on("data", (data: Buffer) => {
      const lines = (rest + data.toString()).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.events.push(JSON.parse(line) as Event);
      this.output += data.toString();
    });
  }

  get exitCode(): number | null {
    return this.#child?.exitCode ?? null;
  }

  /** Its sequencer's process number. */
  get sequencerPid(): number | undefined {
    const file = join(this.dir, "sequencer.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { pid: number }).pid : undefined;
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }
}

describe("a sequencer is hired by agents alone", function () {
  this.timeout(240_000);
  let chain: LocalChain;
  let dir: string;
  let main: Deployment;
  let wanted: Deployment;
  let economy: Economy;
  let desk: BountyDesk;
  let patron: PatronAgent | undefined;
  const operators: OperatorProcess[] = [];
  const notices: PolicyNotice[] = [];
  const clients: Agnt2Client[] = [];

  async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (const end = Date.now() + WAIT_MS; Date.now() < end; await pause(50)) {
      for (const { exitCode, output } of operators) if (exitCode !== null && exitCode !== 0) throw new Error(`an operator ended with ${exitCode}: ${output.slice(-2_000)}`);
      const found = await look();
      if (found !== undefined && found !== false) return found;
    }
    throw new Error(`it never came to: ${what}`);
  }
  const done = (action: string): Extract<PolicyNotice, { kind: "done" }> | undefined => notices.find((notice): notice is Extract<PolicyNotice, { kind: "done" }> => notice.kind === "done" && notice.action === action);
  const told = (operator: OperatorProcess, event: string): Event | undefined => operator.events.find((each) => each.event === event);
  async function funded(eth: string): Promise<Wallet> {
    const wallet = new Wallet(Wallet.createRandom().privateKey, chain.provider);
    await (await new Wallet(DEVELOPMENT_KEYS[0], chain.provider).sendTransaction({ to: wallet.address, value: parseEther(eth) })).wait();
    return wallet;
  }

  async function createOperator(name: string, price: string): Promise<OperatorProcess> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const folder = join(dir, name);
    const policy = {
      role: "operator", pollMs: 200, dataDir: folder, pricePerUnit: price, minUnits: 5,
      agent: { name, services: [{ name: "sequencer", endpoint: url }] },
      limits: { stake: "0.5", operatorBond: OPERATOR_BOND, reserve: "0.5", minSilenceSeconds: 4, minGraceSeconds: 10 },
      claim: { units: 1, seconds: 1 },
      sequencer: {
        command: [process.execPath, SEQUENCER, "--port", String(port), "--l1-url", "{l1}", "--deployment", "{deployment}", "--data-dir", "{data}", "--adopt", "--poll-ms", "200", "--batch-ms", "200"],
        health: `${url}/health`,
      },
    };
    const file = join(dir, `${name}.json`);
    writeFileSync(file, JSON.stringify(policy));
    const operator = new OperatorProcess(await funded("20"), folder, ["--l1", chain.url, "--api", "http://127.0.0.1:9", "--deployment", join(dir, "main.json"), "agent", "run", "--policy", file], {});
    operators.push(operator);
    return operator;
  }

  before(async () => {
    chain = await startLocalChain("anvil");
    dir = mkdtempSync(join(tmpdir(), "agnt2-e2e-hire-"));
    main = await deployEconomyOn(chain);
    writeFileSync(join(dir, "main.json"), deploymentText(main));
    economy = await readEconomy({ deployment: JSON.parse(deploymentText(main)) });

    // A chain in one transaction, and nobody who runs it.
    const owner = await funded("20");
    const factory = connectRollupFactory(main.contracts["factory"]!, owner);
    const config = { ...CHAIN_TEST_CONFIG, operatorBondWei: parseEther(OPERATOR_BOND), slotSeconds: 2, vacancySeconds: 60, graceSeconds: 1, epochAgeSeconds: 1, feeTable: [0n, 0n, 0n] as [bigint, bigint, bigint] };
    await (await factory.create(config, SALT)).wait();
    wanted = await readRollup(chain.provider, main.contracts["factory"]!, { creator: owner.address, salt: SALT });
    desk = new BountyDesk(economy, owner);

    const policy = parsePolicy({
      role: "patron", pollMs: 200, dataDir: join(dir, "patron"), agent: { name: "Patron" }, intent: "Somebody who runs the sequencer of my chain, please. I pay for each batch that is confirmed.",
      settlement: wanted.contracts.settlement, pool: "1", ceiling: "0.02", stake: "0.5", silenceSeconds: 4, graceSeconds: 25, closeAfterSeconds: 600,
      phases: { fundingSeconds: 60, commitSeconds: 6, revealSeconds: 4, awardSeconds: 30, workSeconds: 600, settleSeconds: 60 },
    }) as PatronPolicy;
    const [first, second] = [await createOperator("otto", "0.01"), await createOperator("olga", "0.015")];
    for (const operator of [first, second]) operator.start();
    await until("both run", () => [first, second].every((operator) => told(operator, "running") !== undefined));
    patron = await PatronAgent.start({ policy, economy, signer: owner, onNotice: (notice) => notices.push(notice) });
  });
  after(async () => {
    for (const client of clients) await client.close();
    await patron?.stop();
    await Promise.all(operators.map((operator) => operator.end()));
    for (const { sequencerPid } of operators) {
      try {
        if (sequencerPid !== undefined) process.kill(sequencerPid, "SIGKILL");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    }
    await stopDatabases(dir);
    await chain.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    for (const { output, dir: folder } of operators) {
      process.stderr.write(`${output.slice(-3_000)}\n`);
      const log = join(folder, "sequencer.log");
      if (existsSync(log)) process.stderr.write(`${readFileSync(log, "utf8").slice(-2_000)}\n`);
    }
    process.stderr.write(`${JSON.stringify(notices, (_name, value: unknown) => (typeof value === "bigint" ? value.toString() : value instanceof Error ? value.message : value)).slice(-3_000)}\n`);
  });

  /** The chain through whoever was hired, as its registration file says. */
  async function clientOf(bidder: string): Promise<Agnt2Client> {
    const { agentId } = await desk.bid(patron!.bounty!, bidder);
    const { uri } = await new AgentDesk(economy, desk.sender.signer).show(agentId!);
    const file = JSON.parse(Buffer.from(uri.split(",")[1]!, "base64").toString()) as { services: { name: string; endpoint: string }[] };
    const sequencerUrl = file.services.find(({ name }) => name === "sequencer")!.endpoint;
    const client = new Agnt2Client({ sequencerUrl, deployment: JSON.parse(deploymentText(wanted)), operators: (set) => readOperatorSigners(set, chain.provider) });
    clients.push(client);
    return client;
  }
  const answers = async (client: Agnt2Client): Promise<boolean> => (await client.sequencer.find("/health").catch(() => undefined)) !== undefined;

  let alice: Wallet;
  let agent: Agent;
  let balance = 0;

  it("patron, operators: find each other; the cheapest is hired, joins the set, runs the sequencer, and is paid for confirmed batches", async () => {
    const [otto] = operators as [OperatorProcess, OperatorProcess];
    const award = await until("somebody is hired", () => done("award"));
    expect(award.values["bidder"]).to.equal(otto.wallet.address.toLowerCase());
    const client = await clientOf(otto.wallet.address);
    await until("the sequencer is up", async () => (await answers(client)) || undefined);
    alice = await funded("10");
    const account = await L1Account.connect(client, alice);
    await account.credited(await account.deposit("1"), WAIT_MS);
    agent = await client.agent({ signer: createKeySigner(alice.privateKey) });
    await agent.openAccount(BOB, "0.1").durable;
    await until("it is paid", async () => {
      await agent.transfer(BOB, "0.001").durable;
      await pause(200);
      return told(otto, "claimUnits");
    });
    const paid = told(otto, "claimUnits")!;
    expect(BigInt(String(paid["amountBase"]))).to.equal(BigInt(String(paid["units"])) * UNIT_PRICE_WEI);
    await until("the money is out", () => told(otto, "withdrawCredit"));
  });

  it("CLI: lists and shows the bounty from L1, and the agent that is at work", async () => {
    const run = async (...args: string[]): Promise<Record<string, unknown>> => {
      const { PATH = "", HOME = "" } = process.env;
      const options = { env: { PATH, HOME, AGNT2_KEY: alice.privateKey }, timeout: WAIT_MS };
      const { stdout } = await promisify(execFile)(process.execPath, [CLI, "--json", "--l1", chain.url, "--api", "http://127.0.0.1:9", "--deployment", join(dir, "main.json"), ...args], options);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const [otto, olga] = operators.map(({ wallet }) => wallet.address.toLowerCase());
    const [list, shown, agent] = await Promise.all([run("bounty", "list"), run("bounty", "show", "1"), run("agent", "show", "0")]);
    expect((list["bounties"] as Record<string, unknown>[])[0]).to.include({ bounty: 1, role: "SEQUENCER", kind: "METERED", phase: "ENGAGED", worker: otto });
    const standsBy = (shown["bids"] as Record<string, unknown>[]).find(({ bidder }) => bidder === olga);
    expect(standsBy).to.include({ status: "REVEALED", price: String(parseEther("0.015")) });
    expect([otto, olga]).to.include(agent["owner"]);
  });

  it("operator: killed without a word, finds its running sequencer again and goes on", async () => {
    const [otto] = operators as [OperatorProcess, OperatorProcess];
    const pid = otto.sequencerPid!;
    await otto.end("SIGKILL");
    otto.start();
    const found = await until("it finds it", () => told(otto, "sequencer-found"));
    expect(found["pid"]).to.equal(pid);
    expect(otto.events.filter(({ event }) => event === "commit" || event === "registered" || event === "join")).to.have.length(3);
  });

  it("patron: has the operator slashed that went silent, and hires the next, who goes on from L1 with nothing lost", async () => {
    const [otto, olga] = operators as [OperatorProcess, OperatorProcess];
    // What was acknowledged and never posted dies with its sequencer.
    const { batchCount } = await agent.transfer(BOB, "0.001").rooted;
    balance = (await agent.account()).balance;
    const { inbox } = connectContracts(wanted, chain.provider);
    await until("everything is on L1", async () => ((await inbox.batchCount()) >= BigInt(batchCount) ? true : undefined));
    const pid = otto.sequencerPid!;
    await otto.end("SIGKILL");
    process.kill(pid, "SIGKILL");
    const fail = await until("it is slashed", () => done("fail"));
    expect(fail.values).to.include({ bidder: otto.wallet.address.toLowerCase() });
    await until("the next is hired", () => notices.find((notice) => notice.kind === "done" && notice.action === "award" && notice.values["bidder"] === olga.wallet.address.toLowerCase()));
    const client = await clientOf(olga.wallet.address);
    await until("the sequencer is up", async () => (await answers(client)) || undefined);
    const again = await client.agent({ signer: createKeySigner(alice.privateKey) });
    expect((await again.account()).balance).to.equal(balance);
    await again.transfer(BOB, "0.001").durable;
    const bounty = await desk.read(patron!.bounty!);
    expect(bounty).to.include({ phase: "ENGAGED", worker: olga.wallet.address.toLowerCase() });
  });
});

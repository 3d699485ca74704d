import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ContractFactory, Interface, NonceManager, parseEther, Wallet, ZeroAddress, ZeroHash } from "ethers";
import type { BaseContract, ContractTransactionResponse, InterfaceAbi } from "ethers";

import { connectIdentityRegistry, connectValidationRegistry } from "../../chain/agents/connectRegistries.ts";
import { termsStruct } from "../../chain/bounties/BountyTerms.ts";
import { connectBountyBoard } from "../../chain/bounties/connectBountyBoard.ts";
import { connectUptimeMeter } from "../../chain/uptime/connectUptimeMeter.ts";
import { encodeUptimeTerms } from "../../chain/uptime/UptimeTerms.ts";
import type { UptimeTerms } from "../../chain/uptime/UptimeTerms.ts";
import { uptimeKey } from "../../chain/uptime/uptimeHashes.ts";
import type { BountyBoard, IdentityRegistry, UptimeMeter, ValidationRegistry } from "../../typechain-types/index.ts";
import { DEVELOPMENT_KEYS, startLocalChain } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { testKey } from "./towerChannel.ts";

const ARTIFACTS = join(import.meta.dirname, "..", "..", "artifacts", "contracts");
export const STAKE_WEI = parseEther("1");
export const PENALTY_WEI = STAKE_WEI / 10n;
/** Of one ten-thousandth of one period. */
export const UNIT_WEI = 10n ** 9n;
export const POOL_WEI = parseEther("1");
export const OPERATOR_STAKE_WEI = parseEther("0.5");
/** The board's first. */
export const BOUNTY_ID = 1n;
const UNBONDING_SECONDS = 1_000;
const LONG_SECONDS = 3_600;
const FUNDS_WEI = parseEther("10");
const DOCUMENT = { uri: "data:text/plain,an endpoint that answers", hash: ZeroHash };

interface Contracts {
  readonly meter: UptimeMeter;
  readonly board: BountyBoard;
  readonly identities: IdentityRegistry;
  readonly validations: ValidationRegistry;
}

/** A local L1 that makes a block a second, with registries, a BountyBoard and an UptimeMeter. */
export class UptimeNetwork {
  readonly chain: LocalChain;
  readonly contracts: Contracts;
  readonly meterAddress: string;
  readonly boardAddress: string;
  readonly funds: NonceManager;
  readonly dir = mkdtempSync(join(tmpdir(), "agnt2-uptime-"));

  private constructor(chain: LocalChain, funds: NonceManager, contracts: Contracts, [meterAddress, boardAddress]: readonly [string, string]) {
    [this.chain, this.funds, this.contracts, this.meterAddress, this.boardAddress] = [chain, funds, contracts, meterAddress, boardAddress];
  }

  static async start(): Promise<UptimeNetwork> {
    const chain = await startLocalChain("anvil", { blockSeconds: 1 });
    const funds = new NonceManager(new Wallet(DEVELOPMENT_KEYS[0], chain.provider));
    const deployed: BaseContract[] = [];
    const deploy = async (source: string, ...args: unknown[]): Promise<string> => {
      const name = source.split("/").at(-1)!;
      const { abi, bytecode } = JSON.parse(readFileSync(join(ARTIFACTS, `${source}.sol`, `${name}.json`), "utf8")) as { abi: InterfaceAbi; bytecode: string };
      const contract = await new ContractFactory(abi, bytecode, funds).deploy(...args, { gasLimit: 10_000_000 });
      deployed.push(contract);
      return await contract.getAddress();
    };
    const behindProxy = async (name: string, signature: string, ...args: unknown[]): Promise<string> =>
      await deploy("agents/RegistryProxy", await deploy(`agents/${name}`), new Interface([`function ${signature}`]).encodeFunctionData("initialize", args));
    const owner = await funds.getAddress();
    const identities = await behindProxy("IdentityRegistry", "initialize(address)", owner);
    const validations = await behindProxy("ValidationRegistry", "initialize(address,address)", identities, owner);
    const escrow = await deploy("bounties/JobEscrow", owner, 0, owner);
    const board = await deploy("bounties/BountyBoard", escrow, identities, owner, 0, owner);
    const meter = await deploy("bounties/UptimeMeter", validations, STAKE_WEI, UNBONDING_SECONDS);
    await Promise.all(deployed.map((contract) => contract.waitForDeployment()));
    const { provider } = chain;
    return new UptimeNetwork(chain, funds, { meter: connectUptimeMeter(meter, provider), board: connectBountyBoard(board, funds), identities: connectIdentityRegistry(identities, provider), validations: connectValidationRegistry(validations, provider) }, [meter, board]);
  }

  /** With ETH for stake and gas. */
  async wallets(...names: readonly string[]): Promise<Wallet[]> {
    const wallets = names.map((name) => testKey(name).wallet.connect(this.chain.provider));
    const sent = [];
    for (const { address } of wallets) sent.push(await this.funds.sendTransaction({ to: address, value: FUNDS_WEI }));
    await Promise.all(sent.map((transaction) => transaction.wait()));
    return wallets;
  }

  /** The first bounty, for this operator, who registers its agent 0 and takes it. Resolves to the key of the engagement. */
  async hire(operator: Wallet, terms: UptimeTerms): Promise<string> {
    const { board, identities, meter } = this.contracts;
    const zero = { fundingSeconds: LONG_SECONDS, commitSeconds: 0, revealSeconds: 0, awardSeconds: LONG_SECONDS, workSeconds: LONG_SECONDS, settleSeconds: LONG_SECONDS, reviewSeconds: 0, disputeSeconds: 0, rulingSeconds: 0 };
    const hiring = termsStruct({
      ...zero, role: "RPC_PROVIDER", kind: "METERED", maxRounds: 1, unruledBps: 0, token: ZeroAddress, goal: POOL_WEI, ceiling: UNIT_WEI, stake: OPERATOR_STAKE_WEI, minProvenCalls: 0n, proofOfService: ZeroAddress,
      evaluator: ZeroAddress, arbiter: ZeroAddress, bidder: operator.address, source: this.meterAddress, shares: [], sourceParams: encodeUptimeTerms(terms),
    });
    await this.send(identities.connect(operator)["register()"]());
    await this.send(board.post(hiring, DOCUMENT, DOCUMENT, POOL_WEI, { value: POOL_WEI }));
    await this.send((board.connect(operator) as BountyBoard).take(BOUNTY_ID, 0n, { value: OPERATOR_STAKE_WEI }));
    return uptimeKey(this.boardAddress, BOUNTY_ID, Number(await meter.roundsOf(this.boardAddress, BOUNTY_ID)));
  }

  async send(call: Promise<ContractTransactionResponse>): Promise<void> {
    await (await call).wait();
  }

  /** A deployment file that names meter and board; the other names lead to a contract that is there. */
  async writeDeployment(): Promise<string> {
    const genesis = await this.chain.provider.getBlock(0);
    const others = Object.fromEntries(["inbox", "settlement", "game", "bridge", "exodus", "adjudicator", "prover"].map((name) => [name, this.meterAddress]));
    const config = { assetScale: "1000000000", feeTable: Array<number>(24).fill(0) };
    const path = join(this.dir, "deployment.json");
    writeFileSync(path, JSON.stringify({ chainId: this.chain.chainId, genesisHash: genesis!.hash, contracts: { ...others, uptimeMeter: this.meterAddress, bountyBoard: this.boardAddress }, config, blockNumber: 0 }));
    return path;
  }

  async stop(): Promise<void> {
    await this.chain.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

import { hexlify, keccak256, toBeHex, toUtf8Bytes } from "ethers";
import type { ContractTransactionReceipt, ContractTransactionResponse } from "ethers";
import hre from "hardhat";

import { encodeUptimeTerms, endpointHashOf } from "../../chain/uptime/UptimeTerms.ts";
import type { UptimeTerms } from "../../chain/uptime/UptimeTerms.ts";
import { uptimeKey } from "../../chain/uptime/uptimeHashes.ts";
import type { TestBoard, UptimeMeter, ValidatorMeter } from "../../typechain-types/index.ts";

type Connection = Awaited<ReturnType<typeof hre.network.create>>;
type Signer = Awaited<ReturnType<Connection["ethers"]["getSigners"]>>[number];

export const MIN_STAKE = 1_003n;
export const PENALTY = MIN_STAKE / 10n;
export const UNBONDING = 1_000;
export const [PERIOD, COMMIT, REVEAL] = [100, 40, 50] as const;
/** Far from what the network's own clock says, so that tests set every time themselves. */
const BEGIN = 4_000_000_000;
export const AGENT_ID = 0n;

/** Reveals nothing. */
export const SILENT = "silent";

/** An UptimeMeter on a network of its own, with staked validators, and a board that begins. */
export class UptimeStage {
  readonly connection: Connection;
  readonly meter: UptimeMeter;
  readonly validatorMeter: ValidatorMeter;
  readonly board: TestBoard;
  readonly boardAddress: string;
  /** Ascending. */
  readonly validators: readonly Signer[];
  readonly operator: Signer;
  readonly stranger: Signer;

  private constructor(connection: Connection, contracts: { meter: UptimeMeter; validatorMeter: ValidatorMeter; board: TestBoard; boardAddress: string }, signers: readonly Signer[]) {
    this.connection = connection;
    ({ meter: this.meter, validatorMeter: this.validatorMeter, board: this.board, boardAddress: this.boardAddress } = contracts);
    [this.operator, this.stranger] = [signers[0]!, signers[1]!];
    this.validators = signers.slice(2).sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1));
  }

  /** @param registry of validations; any address when nothing is published */
  static async start(registry?: (connection: Connection) => Promise<string>): Promise<UptimeStage> {
    const connection = await hre.network.create();
    const { ethers } = connection;
    const registryAddress = (await registry?.(connection)) ?? toBeHex(1, 20);
    const meter = (await ethers.deployContract("UptimeMeter", [registryAddress, MIN_STAKE, UNBONDING])) as unknown as UptimeMeter;
    const validatorMeter = (await ethers.deployContract("ValidatorMeter", [await meter.getAddress()])) as unknown as ValidatorMeter;
    const board = (await ethers.deployContract("TestBoard")) as unknown as TestBoard;
    const stage = new UptimeStage(connection, { meter, validatorMeter, board, boardAddress: await board.getAddress() }, await ethers.getSigners());
    for (const validator of stage.validators) await (await stage.by(validator).join({ value: MIN_STAKE })).wait();
    await connection.networkHelpers.time.increaseTo(BEGIN);
    return stage;
  }

  by(signer: Signer): UptimeMeter {
    return this.meter.connect(signer) as UptimeMeter;
  }

  panel(size: number): string[] {
    return this.validators.slice(0, size).map(({ address }) => address);
  }

  terms(change: Partial<UptimeTerms> = {}): UptimeTerms {
    const panel = change.panel ?? this.panel(3);
    return { panel, endpointHash: endpointHashOf("http://127.0.0.1:8545"), periodSeconds: PERIOD, commitSeconds: COMMIT, revealSeconds: REVEAL, quorum: Math.floor(panel.length / 2) + 1, toleranceBps: 100, floorBps: 9_000, badPeriods: 2, ...change };
  }

  /** Resolves to the engagement's key. */
  async begin(change: Partial<UptimeTerms> = {}, id = 0n): Promise<string> {
    await this.beginRaw(encodeUptimeTerms(this.terms(change)), id);
    return uptimeKey(this.boardAddress, id, Number(await this.meter.roundsOf(this.boardAddress, id)));
  }

  async beginRaw(params: string, id = 0n): Promise<ContractTransactionReceipt> {
    return (await (await this.board.begin(await this.meter.getAddress(), id, this.operator.address, AGENT_ID, params)).wait())!;
  }

  salt(period: number, validator: Signer): string {
    return keccak256(toUtf8Bytes(`${period} ${validator.address}`));
  }

  async commitment(key: string, period: number, validator: Signer, uptimeBps: number): Promise<string> {
    return await this.meter.commitmentOf(key, period, validator.address, uptimeBps, this.salt(period, validator));
  }

  /** L1 second of a phase of a period, and how far into it. */
  async secondOf(key: string, period: number, phase: "commit" | "reveal" | "tally", into = 0): Promise<number> {
    const { begunAt, periodSeconds, commitSeconds, revealSeconds } = await this.meter.engagementOf(key);
    const end = Number(begunAt) + (period + 1) * Number(periodSeconds);
    return end + { commit: 0, reveal: Number(commitSeconds), tally: Number(commitSeconds + revealSeconds) }[phase] + into;
  }

  /** The next block is made at this time. */
  async at(second: number): Promise<void> {
    await this.connection.networkHelpers.time.setNextBlockTimestamp(second);
  }

  /** A period as the validators see it, in their order: what each reveals, SILENT for one that only commits, undefined for one that does neither. */
  async attest(key: string, period: number, values: readonly (number | typeof SILENT | undefined)[], panel = this.panel(3)): Promise<void> {
    const second = await this.secondOf(key, period, "commit");
    for (const [index, value] of values.entries()) {
      if (value === undefined) continue;
      const validator = this.validators[index]!;
      await this.at(second + index);
      await this.send(this.by(validator).commit(key, panel, period, await this.commitment(key, period, validator, value === SILENT ? 0 : value)));
    }
    const reveals = await this.secondOf(key, period, "reveal");
    for (const [index, value] of values.entries()) {
      if (typeof value !== "number") continue;
      const validator = this.validators[index]!;
      await this.at(reveals + index);
      await this.send(this.by(validator).reveal(key, period, value, this.salt(period, validator)));
    }
    await this.at(await this.secondOf(key, period, "tally"));
  }

  /** `attest`, and the tally. */
  async settle(key: string, period: number, values: readonly (number | typeof SILENT | undefined)[], panel = this.panel(3)): Promise<ContractTransactionReceipt> {
    await this.attest(key, period, values, panel);
    return await this.send(this.by(this.stranger).tally(key, period));
  }

  async send(call: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
    return (await (await call).wait())!;
  }

  async stakes(count: number): Promise<bigint[]> {
    return await Promise.all(this.validators.slice(0, count).map(async ({ address }) => (await this.meter.stakeOf(address)).amountWei));
  }

  /** What the contract holds is what it owes. */
  async isBalanced(): Promise<boolean> {
    const stakes = await this.stakes(this.validators.length);
    const held = await this.connection.ethers.provider.getBalance(await this.meter.getAddress());
    return held === stakes.reduce((sum, stake) => sum + stake, 0n) + (await this.meter.burned());
  }
}

/** The custom error that a call ends with, "none" when it goes through; or the reason that it gives in words. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    const sent = await call;
    await (sent as { wait?(): Promise<unknown> }).wait?.();
    return "none";
  } catch (error) {
    return /reverted with custom error '(\w+)\(/.exec(String(error))?.[1] ?? /reverted with reason string '([^']*)'/.exec(String(error))?.[1] ?? String(error);
  }
}

export const wordOf = (value: bigint): string => hexlify(toBeHex(value, 32));

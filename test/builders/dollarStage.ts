import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Network, PaymentPayload, PaymentRequirements } from "@x402/core/types";
import { Contract, ContractFactory, Wallet } from "ethers";

import { testDollarAbi } from "../../chain/generated/abi/TestDollar.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import type { Service } from "../../runtime/lifecycle/Service.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadFacilitatorConfig } from "../../services/facilitator/config.ts";
import { createFacilitatorService } from "../../services/facilitator/service.ts";
import { DOLLAR_NAME, DOLLAR_VERSION, dollarDomain, freshNonce, signDollar } from "./dollarSigning.ts";
import { DEVELOPMENT_KEYS, freePort, startLocalChain } from "./localChain.ts";
import type { LocalChain } from "./localChain.ts";
import { readArtifact } from "./readArtifact.ts";

export interface RunningFacilitator {
  readonly url: string;
  readonly statusUrl: string;
  readonly dataDir: string;
  stop(): Promise<void>;
}

export interface PaymentChange {
  readonly payer?: Wallet;
  readonly from?: string;
  readonly to?: string;
  readonly value?: bigint;
  readonly validAfter?: number;
  readonly validBefore?: number;
  readonly nonce?: string;
  readonly signature?: string;
  readonly chainId?: number;
}

const FUNDS = 10n ** 12n;
export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

/** A local L1 that mines by itself, a test dollar on it, and people who have some. */
export class DollarStage {
  readonly chain: LocalChain;
  readonly asset: string;
  readonly network: Network;
  readonly payer: Wallet;
  readonly payee: Wallet;
  readonly dollar: Contract;
  readonly #folders: string[] = [];
  readonly #facilitators = new Set<RunningFacilitator>();

  private constructor(chain: LocalChain, asset: string) {
    this.chain = chain;
    this.asset = asset;
    this.network = `eip155:${chain.chainId}`;
    this.payer = new Wallet(Wallet.createRandom().privateKey, chain.provider);
    this.payee = new Wallet(Wallet.createRandom().privateKey, chain.provider);
    this.dollar = new Contract(asset, testDollarAbi as never, new Wallet(DEVELOPMENT_KEYS[0], chain.provider));
  }

  static async start(options: Parameters<typeof startLocalChain>[1] = {}): Promise<DollarStage> {
    const chain = await startLocalChain("anvil", options);
    try {
      const { abi, bytecode } = readArtifact("test/tokens/TestDollar");
      const contract = await new ContractFactory(abi, bytecode, new Wallet(DEVELOPMENT_KEYS[0], chain.provider)).deploy();
      await contract.waitForDeployment();
      const stage = new DollarStage(chain, await contract.getAddress());
      await stage.mint(stage.payer.address);
      return stage;
    } catch (error) {
      await chain.stop();
      throw error;
    }
  }

  async mint(to: string, value = FUNDS): Promise<void> {
    const sent = (await this.dollar.getFunction("mint")(to, value)) as { wait(): Promise<unknown> };
    await sent.wait();
  }

  async balanceOf(account: string): Promise<bigint> {
    return (await this.dollar.getFunction("balanceOf")(account)) as bigint;
  }

  /** Transfers of the dollar that are in the chain, with who sent each. */
  async transfersTo(account: string): Promise<string[]> {
    const logs = await this.dollar.queryFilter(this.dollar.filters["Transfer"]!(null, account), 0);
    return logs.map(({ transactionHash }) => transactionHash);
  }

  requirements(change: Partial<PaymentRequirements> = {}): PaymentRequirements {
    const extra = { name: DOLLAR_NAME, version: DOLLAR_VERSION };
    return { scheme: "exact", network: this.network, asset: this.asset, amount: "2500", payTo: this.payee.address, maxTimeoutSeconds: 300, extra, ...change };
  }

  /** What @x402/fetch would send for the requirements. */
  async pay(requirements = this.requirements(), change: PaymentChange = {}): Promise<PaymentPayload> {
    const { payer = this.payer, chainId = this.chain.chainId, signature, ...rest } = change;
    const now = nowSeconds();
    const authorization = { from: payer.address, to: requirements.payTo, value: BigInt(requirements.amount), validAfter: now - 600, validBefore: now + requirements.maxTimeoutSeconds, nonce: freshNonce(), ...rest };
    const signed = signature ?? (await signDollar(payer, dollarDomain(this.asset, chainId), "TransferWithAuthorization", authorization));
    const { value, validAfter, validBefore, ...others } = authorization;
    return {
      x402Version: 2,
      accepted: requirements,
      payload: { signature: signed, authorization: { ...others, value: String(value), validAfter: String(validAfter), validBefore: String(validBefore) } },
    };
  }

  /** Calls an authorization off. */
  async cancel({ payload }: PaymentPayload, payer = this.payer): Promise<void> {
    const { nonce } = payload["authorization"] as { nonce: string };
    const signature = await signDollar(payer, dollarDomain(this.asset, this.chain.chainId), "CancelAuthorization", { authorizer: payer.address, nonce });
    const sent = (await this.dollar.getFunction("cancelAuthorization(address,bytes32,bytes)")(payer.address, nonce, signature)) as { wait(): Promise<unknown> };
    await sent.wait();
  }

  /** Plays an authorization, as anybody may. */
  async play({ payload }: PaymentPayload): Promise<string> {
    const { from, to, value, validAfter, validBefore, nonce } = payload["authorization"] as Record<string, string>;
    const transfer = this.dollar.getFunction("transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)");
    const sent = (await transfer(from, to, value, validAfter, validBefore, nonce, payload["signature"])) as { hash: string; wait(): Promise<unknown> };
    await sent.wait();
    return sent.hash;
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), "agnt2-pay-"));
    this.#folders.push(folder);
    return folder;
  }

  /** In this process. With the folder of one that was stopped it is that one, started again. */
  async facilitator(flags: readonly string[] = [], { dataDir = this.folder(), l1Url = this.chain.url } = {}): Promise<RunningFacilitator> {
    const [port, statusPort] = [await freePort(), await freePort()];
    const config = loadFacilitatorConfig(["--l1-url", l1Url, "--assets", this.asset, "--data-dir", dataDir, "--port", String(port), "--status-port", String(statusPort), ...flags]);
    const service: Service = createFacilitatorService(config, createLogger({ service: "facilitator", level: "silent", output: process.stdout }));
    await service.start();
    const running: RunningFacilitator = {
      url: `http://127.0.0.1:${port}`,
      statusUrl: `http://127.0.0.1:${statusPort}`,
      dataDir,
      stop: async () => {
        this.#facilitators.delete(running);
        await service.stop({ kind: "requested", by: "a test" });
      },
    };
    this.#facilitators.add(running);
    return running;
  }

  async stop(): Promise<void> {
    for (const each of [...this.#facilitators]) await each.stop();
    await this.chain.stop();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Sends a payment to a facilitator as the x402 packages do. */
export async function ask(url: string, route: "verify" | "settle", payload: PaymentPayload, requirements: PaymentRequirements, signal?: AbortSignal): Promise<Record<string, unknown> & { status: number }> {
  const body = JSON.stringify({ x402Version: 2, paymentPayload: payload, paymentRequirements: requirements });
  const answer = await fetch(`${url}/${route}`, { method: "POST", headers: { "content-type": "application/json" }, body, ...(signal === undefined ? {} : { signal }) });
  const json = (await answer.json().catch((error: unknown) => ({ problem: toError(error).message }))) as Record<string, unknown>;
  return { ...json, status: answer.status };
}

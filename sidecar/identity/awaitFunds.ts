import { setTimeout as sleep } from "node:timers/promises";

import type { Provider } from "ethers";

import { toError } from "../../runtime/errors/CodedError.ts";
import type { ChainConfig } from "../../sdk/ChainConfig.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { balanceOnL1 } from "../../sdk/L1Account.ts";
import { LOCAL_CHAIN_ID } from "../../sdk/node/loadSigner.ts";
import type { IdentityProgress, L1Step } from "./IdentityProgress.ts";

/** Gas that a step takes at most, with room: the registration file is kept in the registry's storage. */
const STEP_GAS: Readonly<Record<L1Step, bigint>> = { registration: 400_000n, account: 400_000n, link: 250_000n, uri: 3_000_000n };
const POLL_MS = 1_000;
const FAUCET_TIMEOUT_MS = 30_000;
const FAUCET_PAUSE_MS = 5_000;
const GIFT_BASE = 10n ** 18n;

export interface FundsRequest {
  /** The one that is to be done now. */
  readonly step: L1Step;
  /** Those that are left, this one included. */
  readonly left: Readonly<Record<L1Step, boolean>>;
  readonly provider: Provider;
  readonly address: string;
  readonly asset: ChainConfig["asset"];
  readonly depositBase: bigint;
  readonly faucetUrl: string | undefined;
  readonly signal: AbortSignal;
  readonly tell: (progress: IdentityProgress) => void;
}

/** What the steps need at this moment's fees: twice the fee, as wallets have it, so that it does not run out between two of them. */
async function neededWei({ provider, step, left }: FundsRequest): Promise<bigint> {
  const { maxFeePerGas, gasPrice } = await provider.getFeeData();
  const gas = (Object.keys(STEP_GAS) as L1Step[]).filter((each) => left[each] || each === step).reduce((sum, each) => sum + STEP_GAS[each], 0n);
  return gas * (maxFeePerGas ?? gasPrice ?? 0n);
}

/**
 * Waits until the address can pay for what is left, saying how much is missing; on the local chain the faucet is asked.
 */
export async function awaitFunds(request: FundsRequest): Promise<void> {
  const { provider, address, asset, depositBase, faucetUrl, signal, tell } = request;
  const chainId = Number((await provider.getNetwork()).chainId);
  const isEther = asset.address === undefined;
  let told = -1n;
  for (let askedAtMs = 0; ; await sleep(POLL_MS, undefined, { signal })) {
    const [needed, wei, held] = await Promise.all([neededWei(request), provider.getBalance(address), isEther ? 0n : balanceOnL1(provider, address, asset.address)]);
    const neededAllWei = needed + (isEther ? depositBase : 0n);
    const missingWei = neededAllWei > wei ? neededAllWei - wei : 0n;
    const missingAsset = !isEther && depositBase > held ? depositBase - held : 0n;
    if (missingWei === 0n && missingAsset === 0n) return;
    // Fees move a little all the time: said again when what came, or another step, has changed it.
    if (wei + held !== told) {
      told = wei + held;
      tell({ kind: "funds", address, chainId, missingWei, missingAsset, assetSymbol: asset.symbol });
    }
    if (faucetUrl === undefined || chainId !== LOCAL_CHAIN_ID || Date.now() - askedAtMs < FAUCET_PAUSE_MS) continue;
    const isFirst = askedAtMs === 0;
    askedAtMs = Date.now();
    if (isFirst) tell({ kind: "faucet", address });
    const gift = (isEther ? missingWei : missingAsset) + GIFT_BASE;
    await new HttpService(faucetUrl, { timeoutMs: FAUCET_TIMEOUT_MS }).postJson("/v1/faucet", { address, amountBase: gift.toString() }).catch((error: unknown) => {
      if (isFirst) tell({ kind: "trouble", error: toError(error) });
    });
  }
}

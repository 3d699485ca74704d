import type { JsonRpcApiProvider } from "ethers";

import type { ChainErrorCode } from "../../chain/ChainError.ts";
import { pollingLoop } from "../../chain/pollingLoop.ts";
import { toError } from "../../runtime/errors/CodedError.ts";
import type { Logger } from "../../runtime/logger/Logger.ts";

export interface ChainWatchOptions {
  readonly provider: JsonRpcApiProvider;
  readonly address: string;
  readonly minBalanceWei: bigint;
  readonly maxFeeWei: bigint;
  readonly pollMs: number;
  readonly logger: Logger;
}

/** What keeps payments from being settled, as it is now: L1 away, gas too dear, balance low. */
export interface ChainWatch {
  /** Resolves after the first look. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly alarms: readonly ChainErrorCode[];
  /** Of the account that pays the gas; undefined before the first look. */
  readonly balanceWei: bigint | undefined;
}

const MAX_BACKOFF_MS = 10_000;

export function createChainWatch({ provider, address, minBalanceWei, maxFeeWei, pollMs, logger }: ChainWatchOptions): ChainWatch {
  const alarms = new Set<ChainErrorCode>();
  let balanceWei: bigint | undefined;

  /** Says when something begins and when it is over, once each. */
  function set(code: ChainErrorCode, isOn: boolean, fields: object): void {
    if (isOn === alarms.has(code)) return;
    if (isOn) alarms.add(code);
    else alarms.delete(code);
    if (isOn) logger.warn({ code, ...fields }, "payments may not be settled");
    else logger.info({ code, ...fields }, "that is over");
  }

  const loop = pollingLoop({
    pollMs,
    maxBackoffMs: MAX_BACKOFF_MS,
    onError: (error) => set("L1_UNREACHABLE", true, { err: toError(error) }),
    async turn() {
      const block = (await provider.send("eth_getBlockByNumber", ["latest", false])) as { baseFeePerGas?: string };
      balanceWei = await provider.getBalance(address);
      const baseFeeWei = BigInt(block.baseFeePerGas ?? "0x0");
      set("L1_UNREACHABLE", false, {});
      set("L1_LOW_BALANCE", balanceWei < minBalanceWei, { address, balanceWei: String(balanceWei), minBalanceWei: String(minBalanceWei) });
      set("L1_FEE_CAP", baseFeeWei > maxFeeWei, { baseFeeWei: String(baseFeeWei), maxFeeWei: String(maxFeeWei) });
    },
  });
  return {
    async start() {
      loop.start();
      await loop.runNow().catch((error: unknown) => set("L1_UNREACHABLE", true, { err: toError(error) }));
    },
    stop: () => loop.stop(),
    get alarms() {
      return [...alarms];
    },
    get balanceWei() {
      return balanceWei;
    },
  };
}

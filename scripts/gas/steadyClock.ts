import type { NetworkHooks } from "hardhat/types/hooks";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { EthereumProvider } from "hardhat/types/providers";

/** Seconds; in 2033. No byte of it is zero: a deadline in a call costs what it costs most of the time. */
export const BEGINNING = 0x7711_1111;
/** Make blocks, or take some back. */
const MOVES = new Set(["eth_sendTransaction", "eth_sendRawTransaction", "evm_mine", "hardhat_mine", "evm_revert"]);

/**
 * Takes the machine's clock away from every network that Hardhat simulates for `hre` from now on: the first block comes at a fixed time,
 * and every other one second after the one before, unless `evm_setNextBlockTimestamp` says otherwise. Hardhat itself gives a block the
 * machine's time, and gas depends on that: a zero byte in a call is cheaper than another, and on a slow machine phases pass.
 */
export function useSteadyClock(hre: Pick<HardhatRuntimeEnvironment, "hooks">): void {
  const lastHashes = new WeakMap<EthereumProvider, string>();

  // As soon as there is a block the time of the next one is set, so that calls and estimates see it too.
  async function wind(provider: EthereumProvider): Promise<void> {
    const { hash, number, timestamp } = (await provider.request({ method: "eth_getBlockByNumber", params: ["latest", false] })) as Record<"hash" | "number" | "timestamp", string>;
    if (lastHashes.get(provider) === hash) return;
    lastHashes.set(provider, hash);
    await provider.request({ method: "evm_setNextBlockTimestamp", params: [Number(number) === 0 ? BEGINNING : Number(timestamp) + 1] });
  }

  const hooks: Partial<NetworkHooks> = {
    async newConnection(context, next) {
      const connection = await next(context);
      if (connection.networkConfig.type === "edr-simulated") await wind(connection.provider);
      return connection;
    },
    async onRequest(context, connection, request, next) {
      if (connection.networkConfig.type !== "edr-simulated") return await next(context, connection, request);
      if (request.method === "evm_increaseTime") throw new Error("With a steady clock only evm_setNextBlockTimestamp moves the time.");
      try {
        return await next(context, connection, request);
      } finally {
        // A transaction that fails has a block as well.
        if (MOVES.has(request.method)) await wind(connection.provider);
      }
    },
  };
  hre.hooks.registerHandlers("network", hooks);
}

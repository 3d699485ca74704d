import type { Provider } from "ethers";

/** Code that returns the time of its block: TIMESTAMP, MSTORE, RETURN. */
const RETURN_TIMESTAMP = "0x4260005260206000f3";

/**
 * Unix seconds of the block that would be mined now. The clock of a local L1 may run ahead of this machine's without a block that
 * shows it; where an endpoint tells nothing of the pending block, its newest one and this machine's clock have to do.
 * @throws what the provider throws when it cannot tell its newest block
 */
export async function nextBlockSeconds(provider: Provider): Promise<number> {
  // Asked of the machine itself: ethers reads no pending block in which a node leaves the number out.
  const asked = provider.call({ data: RETURN_TIMESTAMP, blockTag: "pending" }).catch(() => "0x0");
  const [latest, pending] = await Promise.all([provider.getBlock("latest"), asked]);
  return Math.max(Math.floor(Date.now() / 1000), latest?.timestamp ?? 0, Number(pending));
}

import type { TransactionReceipt, TransactionResponse } from "ethers";

const POLL_MS = 5;
const TRIES = 6_000;

/**
 * A call that was sent and mined; nodes in processes of their own mine when they come to it. Asks more often than ethers does.
 * @throws Error if it reverted, or was not mined for long
 */
export async function mined(sent: Promise<TransactionResponse>): Promise<TransactionReceipt> {
  const { hash, provider } = await sent;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt?.status === 0) throw new Error(`${hash} reverted`);
    if (receipt !== null) return receipt;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${hash} was not mined`);
}

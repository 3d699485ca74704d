import type { TransactionReceipt, TransactionResponse } from "ethers";

/** A call that was sent and mined; nodes in processes of their own mine when they come to it. */
export async function mined(sent: Promise<TransactionResponse>): Promise<TransactionReceipt> {
  const receipt = await (await sent).wait();
  if (receipt === null) throw new Error("a call was not mined");
  return receipt;
}

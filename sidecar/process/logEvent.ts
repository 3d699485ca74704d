import type { Logger } from "../../runtime/logger/Logger.ts";
import { formatBaseUnits } from "../../sdk/index.ts";
import type { SidecarEvent } from "../createSidecar.ts";
import type { IdentityProgress } from "../identity/IdentityProgress.ts";

const ETHER = { decimals: 18 };

/** What is missing, where to, in words. */
export function describeFunds({ address, chainId, missingWei, missingAsset, assetSymbol }: Extract<IdentityProgress, { kind: "funds" }>): string {
  const amounts = [missingWei > 0n ? `${formatBaseUnits(missingWei, ETHER)} ETH` : "", missingAsset > 0n ? `${missingAsset} base units of ${assetSymbol}` : ""].filter((text) => text !== "");
  return `Waiting for funds: send ${amounts.join(" and ")} to ${address} on the L1 with chain id ${chainId}.`;
}

function logProgress(logger: Logger, progress: IdentityProgress): void {
  if (progress.kind === "funds") logger.info({ address: progress.address, missingWei: progress.missingWei }, describeFunds(progress));
  else if (progress.kind === "faucet") logger.info({ address: progress.address }, "The faucet is asked.");
  else if (progress.kind === "begun") logger.info({ step: progress.step }, "A step of the first start begins.");
  else if (progress.kind === "resumed") logger.info({ step: progress.step, transaction: progress.transactionHash }, "An earlier start has sent this; it is waited for.");
  else if (progress.kind === "done") logger.info({ step: progress.step, agentId: progress.facts.agentId, account: progress.facts.accountIndex }, "A step of the first start is done.");
}

/** One line for each thing that matters. */
export function logEvent(logger: Logger, event: SidecarEvent): void {
  if (event.kind === "identity") return logProgress(logger, event.progress);
  if (event.kind === "ready") return logger.info("The first start is done.");
  if (event.kind === "prices") return logger.info("The new prices are in force.");
  if (event.kind === "channel" && event.notice.kind !== "trouble") return logger.info({ channelId: event.notice.channelId, event: event.notice.kind }, "A channel has changed.");
  if (event.kind === "promotion") {
    const { kind, payee } = event.event;
    if (event.event.kind === "failed") logger.warn({ err: event.event.error, payee, action: event.event.action }, "A channel to a seller could not be changed.");
    else logger.info({ payee, channelId: event.event.channelId, event: kind }, "A channel to a seller that is paid often has changed.");
    return;
  }
  if (event.kind === "bought" && event.event.kind === "trouble") logger.warn({ err: event.event.error }, "Trouble with what is bought.");
}

import { describeUnits } from "../../sdk/amount.ts";
import type { Asset } from "../../sdk/amount.ts";
import type { AgentChannel, ChannelSummary } from "../../sdk/node/channels/AgentChannel.ts";
import { ReceiptFile } from "../../sdk/node/channels/towers/ReceiptFile.ts";
import type { TowerCover } from "../../sdk/node/channels/towers/TowerHandover.ts";
import type { Row } from "../Report.ts";

const TOWERS_MS = 5_000;
const LOOK_MS = 50;

/** A cover, of which a process that does not serve the channel cannot say whether it is the newest. */
type ShownCover = Pick<TowerCover, "url" | "covered" | "until"> & Partial<TowerCover>;

/** The channel's status when each tower has the newest state, or has said why not, or a moment has passed. */
export async function upToDate(channel: AgentChannel): Promise<ChannelSummary> {
  for (const endMs = Date.now() + TOWERS_MS; ; await new Promise((resolve) => setTimeout(resolve, LOOK_MS))) {
    const summary = await channel.status();
    if (Date.now() > endMs || summary.towers.every(({ isNewest, trouble }) => isNewest || trouble !== undefined)) return summary;
  }
}

/** The promises that are kept with the channel's store. */
export async function coversOnDisk(folder: string, channelId: string): Promise<readonly ShownCover[]> {
  const file = await ReceiptFile.open(folder, channelId);
  return file.urls.map((url) => {
    const { receipt } = file.newest(url)!;
    const { version, sequence, paid, until } = receipt;
    return { url, covered: { version, sequence, paid }, until };
  });
}

function describe({ covered, until, isNewest, trouble }: ShownCover, asset: Asset | undefined): string {
  const parts = covered === undefined
    ? [isNewest === true ? "nothing to cover yet" : "covers nothing"]
    : [`covers ${asset === undefined ? `${covered.paid} units` : describeUnits(covered.paid, asset)} of version ${covered.version} until ${new Date((until ?? 0) * 1000).toISOString()}`];
  if (covered !== undefined && isNewest !== undefined) parts.push(isNewest ? "the newest state" : "not the newest state");
  if (trouble !== undefined) parts.push(`${trouble.code}: ${trouble.message}`);
  return parts.join("; ");
}

/** What each tower has promised, as facts: a sentence a tower for people, a list for programs (`paid` in units). */
export function towerFacts(covers: readonly ShownCover[], asset: Asset | undefined, isJson: boolean): Row {
  if (!isJson) return Object.fromEntries(covers.map((cover) => [`tower ${cover.url}`, describe(cover, asset)]));
  return {
    towers: covers.map(({ url, covered, until, isNewest, trouble }) => ({ url, isNewest: isNewest ?? null, ...covered, until: until ?? null, trouble: trouble?.code ?? null })),
  };
}

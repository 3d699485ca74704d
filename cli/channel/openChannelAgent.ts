import { homedir } from "node:os";
import { join } from "node:path";

import { ChannelDesk } from "../../sdk/channels/ChannelDesk.ts";
import type { ChannelAgent, ChannelAgentOptions } from "../../sdk/node/channels/ChannelAgent.ts";
import type { BookEntry, ChannelBook } from "../../sdk/node/channels/ChannelBook.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import type { Connection } from "../Connection.ts";

const POLL_MS = 500;

/** The folder of this key's channels. */
export async function channelFolder(connection: Connection): Promise<string> {
  const { bundleSigner } = await connection.signer();
  return join(connection.config.channels ?? join(homedir(), ".agnt2", "channels"), bundleSigner.address);
}

// What channels run on is loaded by the commands that use it: all others start sooner.
async function openBook(connection: Connection): Promise<ChannelBook> {
  const { ChannelBook } = await import("../../sdk/node/channels/ChannelBook.ts");
  return ChannelBook.open(await channelFolder(connection));
}

/** The contract, and the list of channels, for commands that need no store. */
export async function openDesk(connection: Connection): Promise<{ readonly desk: ChannelDesk; readonly book: ChannelBook; readonly fromBlock: number }> {
  const desk = await ChannelDesk.connect(connection.client, await connection.l1Signer());
  return { desk, book: await openBook(connection), fromBlock: connection.deploymentBlock };
}

/** The towers that the command line or the environment names. @throws SdkError `SDK_INPUT` when the chain's TowerBond is not known */
async function towersOf({ config, client }: Connection): Promise<Pick<ChannelAgentOptions, "towers">> {
  if (config.tower.length === 0) return {};
  const { towerBond } = (await client.config()).contracts;
  if (towerBond === undefined) throw sdkError("SDK_INPUT", "the chain's TowerBond is not known, so no tower can be believed: name the deployment");
  return { towers: { urls: config.tower, towerBond } };
}

/**
 * This key's channels, ready to sign. One process at a time has them.
 * @throws SdkError `SDK_SIGNER` with an external signer; ChannelShellError `channel/store-locked` while another process, such as `channel serve`, has them
 */
export async function openChannelAgent(connection: Connection, options: Pick<ChannelAgentOptions, "listen" | "answer" | "priceUnits" | "onNotice"> = {}): Promise<ChannelAgent> {
  const { channelSigner } = await connection.signer();
  if (channelSigner === undefined) throw sdkError("SDK_SIGNER", "channels need a key in this process: a keystore, not an external signer");
  const desk = await ChannelDesk.connect(connection.client, await connection.l1Signer());
  const core = await connection.coreChannels();
  const { ChannelAgent } = await import("../../sdk/node/channels/ChannelAgent.ts");
  return ChannelAgent.start({ dir: await channelFolder(connection), signer: channelSigner, desk, fromBlock: connection.deploymentBlock, pollMs: POLL_MS, ...(core === undefined ? {} : { core }), ...(await towersOf(connection)), ...options });
}

/** Keeps where the other side listens, when a command names it. */
export async function withPeerAddress(connection: Connection, idOrStart: string, peerAddress: string | undefined): Promise<BookEntry> {
  const book = await openBook(connection);
  const entry = book.find(idOrStart);
  if (peerAddress !== undefined && peerAddress !== entry.peerAddress) await book.put({ ...entry, peerAddress });
  return entry;
}

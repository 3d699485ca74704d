import { readFileSync } from "node:fs";

import { InvalidArgumentError } from "commander";
import type { Command } from "commander";

import { chainUnitsToBase } from "../../sdk/amount.ts";
import type { Asset } from "../../sdk/amount.ts";
import type { AgentChannel, ChannelSummary } from "../../sdk/node/channels/AgentChannel.ts";
import type { ChannelAgent } from "../../sdk/node/channels/ChannelAgent.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import { collectUrl, parseAddress, parseAmount, parseWhole } from "../arguments.ts";
import { coversOnDisk, towerFacts, upToDate } from "../channel/towerFacts.ts";
import { channelFolder, openChannelAgent, openDesk, withPeerAddress } from "../channel/openChannelAgent.ts";
import { BaseAmount, UnitAmount } from "../Report.ts";
import type { Row } from "../Report.ts";
import { action } from "../runCommand.ts";
import type { Context } from "../runCommand.ts";

interface PeerOption {
  readonly peer?: string;
  readonly timeout: number;
}

export function parseChannel(text: string): string {
  if (/^0x[0-9a-fA-F]{4,64}$/.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError("expected a channel's id, or its first digits from 0x1234 on.");
}

export function parsePeer(text: string): string {
  if (/^tls:\/\/.+:\d+$/.test(text) || text.startsWith("/")) return text;
  throw new InvalidArgumentError("expected where the other agent listens, for example /ip4/127.0.0.1/tcp/7600 or tls://127.0.0.1:7600.");
}

/** Opens the store, runs `work` on one channel, and closes it, whatever happens. */
async function withChannel<T>(context: Context, idOrStart: string, peer: string | undefined, work: (channel: AgentChannel, agent: ChannelAgent) => Promise<T>): Promise<T> {
  await withPeerAddress(context.connection, idOrStart, peer);
  const agent = await openChannelAgent(context.connection, {
    onNotice: (notice) => {
      if (notice.kind === "tower-alarm") context.report.error(notice.error);
    },
  });
  try {
    return await work(agent.channel(idOrStart), agent);
  } finally {
    await agent.stop();
  }
}

async function connected(context: Context, channel: AgentChannel, timeoutSeconds: number): Promise<void> {
  await context.report.waiting(`Waiting for ${channel.partner} …`, channel.ready(timeoutSeconds * 1000));
}

function withPartner(command: Command): Command {
  return command
    .argument("<channel>", "id of the channel, or its first digits", parseChannel)
    .option("--peer <address>", "where the other agent listens, if that has changed", parsePeer)
    .option("--timeout <seconds>", "how long to wait for the other agent", parseWhole, 30);
}

/** What a channel pays each side, as facts. */
function shares({ asset, side }: AgentChannel, settled: { readonly shareA: number; readonly shareB: number; readonly isUnilateral: boolean; readonly transactionHash: string | undefined }): Row {
  const [mine, theirs] = side === 0 ? [settled.shareA, settled.shareB] : [settled.shareB, settled.shareA];
  return { yours: new UnitAmount(mine, asset), partners: new UnitAmount(theirs, asset), unilateral: settled.isUnilateral, ...(settled.transactionHash === undefined ? {} : { transaction: settled.transactionHash }) };
}

function summaryRow({ channelId, home, partner, status, deadline, isConnected, side, depositA, depositB, engine }: ChannelSummary, asset: Asset): Row {
  const { outgoing, incoming } = engine;
  return {
    channel: channelId, home, partner, status: status ?? "not on chain", connected: isConnected, phase: engine.phase, version: engine.version,
    deposit: new UnitAmount(side === 0 ? depositA : depositB, asset), partnersDeposit: new UnitAmount(side === 0 ? depositB : depositA, asset),
    paid: new UnitAmount(outgoing.paid, asset), calls: outgoing.sequence, received: new UnitAmount(incoming.paid, asset), served: incoming.sequence,
    balance: new UnitAmount(Math.max(0, engine.balanceUnits), asset), canSpend: new UnitAmount(Math.max(0, engine.capacityUnits), asset), unanswered: outgoing.openCalls,
    ...(deadline === undefined ? {} : { deadline }),
  };
}

/** Channels: money and calls between two agents without a chain, and their end on one. */
export function addChannelCommands(program: Command): Command {
  const group = program.command("channel").description("pay another agent call by call, off chain").option("--channels <folder>", "folder of the channels' stores")
    .option("--tower <url>", "watchtower that gets the newest state of each channel, and answers closes while you are away; may be repeated", collectUrl);

  group
    .command("open")
    .description("open a channel and put money into it")
    .argument("<partner>", "the other agent's 0x address", parseAddress)
    .argument("<deposit>", "whole units", parseAmount)
    .option("--peer <address>", "where the other agent listens", parsePeer)
    .option("--home <home>", "l1, or core: inside the chain", (text: string) => {
      if (text === "l1" || text === "core") return text;
      throw new InvalidArgumentError("expected l1 or core.");
    }, "l1")
    .option("--window <seconds>", "how long each side has to answer a close; default: a day, in the chain twice the least that is safe", parseWhole)
    .option("--short-window", "take a window in which whoever orders the chain could keep an answer out")
    .option("--unit <number>", "base units in one unit of the channel (on L1)", parseWhole, 1_000_000_000)
    .action(
      action(async ({ connection, report }, partner: string, deposit: string, options: { peer?: string; home: "l1" | "core"; window?: number; shortWindow?: boolean; unit: number }) => {
        const agent = await openChannelAgent(connection);
        try {
          const common = { partner, deposit, ...(options.peer === undefined ? {} : { peerAddress: options.peer }), ...(options.window === undefined ? {} : { windowSeconds: options.window }) };
          const opened = options.home === "l1" ? agent.open({ ...common, unit: options.unit }) : agent.openInCore({ ...common, isShortWindowAllowed: options.shortWindow === true });
          const channel = await report.waiting(options.home === "l1" ? "Waiting for the L1 transaction …" : "Waiting for the sequencer …", opened);
          report.result(`The channel is open; calls go with: agnt2 channel call ${channel.channelId.slice(0, 12)} …`, { channel: channel.channelId, home: channel.home, partner: channel.partner, deposit: new UnitAmount(channel.units(deposit), channel.asset), windowSeconds: channel.config.windowSeconds });
        } finally {
          await agent.stop();
        }
      }),
    );
  group
    .command("deposit")
    .description("put more money into a channel")
    .argument("<channel>", "id of the channel, or its first digits", parseChannel)
    .argument("<amount>", "whole units", parseAmount)
    .action(
      action(async (context, id: string, amount: string) =>
        withChannel(context, id, undefined, async (channel) => {
          await context.report.waiting(`Waiting for ${channel.home} …`, channel.deposit(amount));
          const { engine } = await channel.status();
          context.report.result(`Added ${amount}.`, { channel: channel.channelId, canSpend: new UnitAmount(engine.capacityUnits, channel.asset) });
        }),
      ),
    );
  withPartner(group.command("pay").description("pay the other agent"))
    .argument("<amount>", "whole units", parseAmount)
    .action(
      action(async (context, id: string, amount: string, options: PeerOption) =>
        withChannel(context, id, options.peer, async (channel) => {
          await connected(context, channel, options.timeout);
          const { sequence, priceUnits } = await channel.pay(amount, { timeoutMs: options.timeout * 1000 });
          context.report.result(`Paid ${amount} to ${channel.partner}.`, { channel: channel.channelId, sequence, amount: new UnitAmount(priceUnits, channel.asset) });
        }),
      ),
    );
  withPartner(group.command("call").description("pay for a call and print its answer"))
    .requiredOption("--price <amount>", "what it costs, in whole units", parseAmount)
    .option("--input <text>", "the request", "")
    .option("--input-file <file>", "the request, from a file (- is stdin)")
    .option("--repeat <number>", "make the call so often", parseWhole, 1)
    .action(
      action(async (context, id: string, options: PeerOption & { price: string; input: string; inputFile?: string; repeat: number }) => {
        const request = options.inputFile === undefined ? new TextEncoder().encode(options.input) : new Uint8Array(readFileSync(options.inputFile === "-" ? 0 : options.inputFile));
        if (request.length === 0) throw sdkError("SDK_INPUT", "a call has a request; to pay without one: agnt2 channel pay");
        await withChannel(context, id, options.peer, async (channel) => {
          await connected(context, channel, options.timeout);
          const startedMs = Date.now();
          const calls = await context.report.waiting(`Waiting for ${options.repeat === 1 ? "the answer" : `${options.repeat} answers`} …`, Promise.all(
            Array.from({ length: Math.max(1, options.repeat) }, () => channel.call(request, options.price, { timeoutMs: options.timeout * 1000 })),
          ));
          const { response, sequence, priceUnits, requestHash, responseHash } = calls.at(-1)!;
          const text = new TextDecoder().decode(response);
          const facts: Row = {
            channel: channel.channelId, sequence, price: new UnitAmount(priceUnits, channel.asset), requestHash: Buffer.from(requestHash).toString("hex"), responseHash: Buffer.from(responseHash).toString("hex"),
            ...(options.repeat > 1 ? { calls: calls.length, milliseconds: Date.now() - startedMs } : {}),
          };
          context.report.result(text, context.report.isJson ? { ...facts, response: text } : facts);
        });
      }),
    );
  group
    .command("status")
    .description("show a channel: what is paid, what can be spent, and where its close stands")
    .argument("<channel>", "id of the channel, or its first digits", parseChannel)
    .action(
      action(async (context, id: string) => {
        const isServed = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "channel/store-locked";
        const { report, connection } = context;
        try {
          await withChannel(context, id, undefined, async (channel) => {
            const summary = await report.waiting("Waiting for the towers …", upToDate(channel));
            const covers = summary.towers.length > 0 ? summary.towers : await coversOnDisk(await channelFolder(connection), channel.channelId);
            report.result("", { ...summaryRow(summary, channel.asset), ...towerFacts(covers, channel.asset, report.isJson) });
          });
        } catch (error) {
          if (!isServed(error)) throw error;
          // Another process has the store: what the chain knows can be shown all the same.
          const row = (await chainRows(context)).find((each) => String(each["channel"]).startsWith(id));
          const covers = row === undefined ? [] : await coversOnDisk(await channelFolder(connection), String(row["channel"]));
          report.result("Another process serves it; this is what the chain and the towers know.", { ...row, ...towerFacts(covers, undefined, report.isJson) });
        }
      }),
    );
  group
    .command("list")
    .description("list the channels of this key, as the chain has them")
    .action(
      action(async (context) => {
        const rows = await context.report.waiting("Reading the chain …", chainRows(context));
        context.report.table(rows.length === 0 ? "None." : `${rows.length} channel${rows.length === 1 ? "" : "s"}:`, "channels", rows);
      }),
    );
  withPartner(group.command("close").description("end a channel together with the other agent: both sign, and it is paid out at once")).action(
    action(async (context, id: string, options: PeerOption) =>
      withChannel(context, id, options.peer, async (channel) => {
        const settled = await context.report.waiting("Waiting for the other agent's signature and the chain …", channel.close(options.timeout * 1000));
        context.report.result("The channel is closed and paid out.", { channel: channel.channelId, ...shares(channel, settled) });
      }),
    ),
  );
  group
    .command("dispute")
    .description("end a channel alone: hands in the best state that this side has; the other one has the window to answer")
    .argument("<channel>", "id of the channel, or its first digits", parseChannel)
    .action(
      action(async (context, id: string) =>
        withChannel(context, id, undefined, async (channel) => {
          const deadline = await context.report.waiting(`Waiting for ${channel.home} …`, channel.dispute());
          context.report.result(`The close is asked for. After its deadline: agnt2 channel finish ${channel.channelId.slice(0, 12)}`, { channel: channel.channelId, deadline, deadlineTime: new Date(deadline * 1000).toISOString() });
        }),
      ),
    );
  group
    .command("finish")
    .description("pay out a channel whose close was asked for, once its deadline has passed; answers an older state meanwhile")
    .argument("<channel>", "id of the channel, or its first digits", parseChannel)
    .option("--timeout <seconds>", "how long to wait for the deadline", parseWhole, 600)
    .action(
      action(async (context, id: string, options: { timeout: number }) =>
        withChannel(context, id, undefined, async (channel) => {
          const settled = await context.report.waiting("Waiting for the deadline …", channel.finish(options.timeout * 1000));
          context.report.result("The channel is paid out.", { channel: channel.channelId, ...shares(channel, settled) });
        }),
      ),
    );
  withPartner(group.command("withdraw").description("take a part out on L1 while the channel goes on, with the other agent's signature"))
    .argument("<amount>", "whole units", parseAmount)
    .action(
      action(async (context, id: string, amount: string, options: PeerOption) =>
        withChannel(context, id, options.peer, async (channel, agent) => {
          await connected(context, channel, options.timeout);
          const transaction = await context.report.waiting("Waiting for the other agent's signature and L1 …", agent.withdraw(channel, amount));
          context.report.result(`Took ${amount} out.`, { channel: channel.channelId, amount: new UnitAmount(channel.units(amount), channel.asset), transaction });
        }),
      ),
    );
  group
    .command("collect")
    .description("collect on L1 what a channel could not pay out, because the address refused it then")
    .option("--to <address>", "who gets it; default: your own address", parseAddress)
    .option("--asset <address>", "token; default: ETH", parseAddress)
    .action(
      action(async ({ connection, report }, options: { to?: string; asset?: string }) => {
        const { desk } = await openDesk(connection);
        const owed = await desk.owed(options.asset, await desk.sender());
        if (owed === 0n) return report.result("Nothing waits for you.", { collected: "0" });
        const transaction = await report.waiting("Waiting for the L1 transaction …", desk.collect(options.asset, options.to));
        const { asset } = await connection.client.config();
        report.result("Collected.", { collected: options.asset === undefined ? new BaseAmount(owed, { ...asset, decimals: 18, symbol: "ETH" }) : owed.toString(), transaction });
      }),
    );
  return group;
}

/** The channels in the book, as the chain has them; needs no store. */
async function chainRows({ connection }: Context): Promise<Row[]> {
  const { desk, book } = await openDesk(connection);
  const own = await desk.sender();
  const core = await connection.coreChannels();
  const { asset } = await connection.client.config();
  return Promise.all(
    book.list().map(async ({ channelId, config, peerAddress }): Promise<Row> => {
      const isCore = config.home === 1;
      const read = isCore ? (await core?.read(config))?.view : undefined;
      const onL1 = isCore ? undefined : await desk.read(config);
      const [netA, netB] = isCore ? [read?.netA ?? 0, read?.netB ?? 0] : onL1!.nets;
      const scale: Asset = isCore ? asset : { assetScale: BigInt(config.unit), decimals: 18, symbol: "ETH" };
      const partner = Buffer.from(Buffer.from(config.partyA).toString("hex") === own.slice(2) ? config.partyB : config.partyA).toString("hex");
      return {
        channel: channelId, home: isCore ? "Layer Core" : "L1", partner: `0x${partner}`, status: isCore ? (read?.status ?? "none") : onL1!.status.toLowerCase(),
        held: new BaseAmount(chainUnitsToBase(netA + netB, scale), scale), peer: peerAddress ?? null,
      };
    }),
  );
}

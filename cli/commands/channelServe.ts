import { once } from "node:events";

import type { Command } from "commander";

import { toChainUnits } from "../../sdk/amount.ts";
import type { ChannelNotice } from "../../sdk/node/channels/ChannelAgent.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import { parseAmount, parseUrl, parseWhole } from "../arguments.ts";
import { answerFromUpstream, answerWithCommand } from "../channel/answerers.ts";
import { openChannelAgent } from "../channel/openChannelAgent.ts";
import { UnitAmount } from "../Report.ts";
import type { Report, Row } from "../Report.ts";
import { action } from "../runCommand.ts";
import { parsePeer } from "./channel.ts";

interface ServeOptions {
  readonly listen: string;
  readonly price: string;
  readonly command?: string;
  readonly upstream?: string;
  readonly callTimeout: number;
}

function tell(report: Report, notice: ChannelNotice): void {
  if (notice.kind === "trouble") return report.error(notice.error);
  const text: Record<Exclude<ChannelNotice["kind"], "trouble">, string> = {
    opened: "A channel was opened with this agent.",
    "close-requested": "A close was asked for: nothing is sold over this channel any more.",
    "answered-close": "It was asked for with an older state: answered with the newest.",
    settled: "A channel was paid out.",
  };
  report.result(text[notice.kind], { event: notice.kind, channel: notice.channelId, ...("deadline" in notice ? { deadline: notice.deadline } : {}) });
}

/** Selling calls over channels. */
export function addChannelServe(group: Command): void {
  group
    .command("serve")
    .description("answer paid calls until Ctrl-C; takes channels that others open, and answers closes with an older state")
    .option("--listen <address>", "where other agents reach this one", parsePeer, "/ip4/127.0.0.1/tcp/7600")
    .option("--price <amount>", "what a call costs at least, in whole units", parseAmount, "0")
    .option("--command <shell>", "answers each request: stdin to stdout")
    .option("--upstream <url>", "answers each request: an HTTP service it is posted to", parseUrl)
    .option("--call-timeout <seconds>", "how long an answer may take; then the call fails and costs nothing", parseWhole, 30)
    .action(
      action(async ({ connection, report }, options: ServeOptions) => {
        const { command, upstream } = options;
        if ((command === undefined) === (upstream === undefined)) throw sdkError("SDK_INPUT", "name either --command or --upstream");
        const timeoutMs = options.callTimeout * 1000;
        const answer = command === undefined ? answerFromUpstream(upstream!, timeoutMs) : answerWithCommand(command, timeoutMs);
        const { asset } = await connection.client.config();
        const priceUnits = toChainUnits(options.price, asset);
        const stopping = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
        const agent = await openChannelAgent(connection, { listen: options.listen, answer, priceUnits, onNotice: (notice) => tell(report, notice) });
        try {
          const facts: Row = { event: "serving", address: agent.address, listen: agent.listening, price: new UnitAmount(priceUnits, asset), channels: agent.channels.length };
          report.result("Serving until Ctrl-C. Others open a channel with: agnt2 channel open ADDRESS AMOUNT --peer LISTEN", facts);
          await stopping;
        } finally {
          await agent.stop();
        }
      }),
    );
}

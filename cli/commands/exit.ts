import type { Command } from "commander";

import { ExitDesk } from "../../sdk/ExitDesk.ts";
import type { ExodusStatus } from "../../sdk/ExitDesk.ts";
import { parseAddress } from "../arguments.ts";
import { amountMaker } from "../Report.ts";
import type { Row } from "../Report.ts";
import { action } from "../runCommand.ts";
import type { Context } from "../runCommand.ts";

const timeOf = (seconds: number | undefined): string => (seconds === undefined ? "-" : new Date(seconds * 1000).toISOString());

async function desk({ connection }: Context): Promise<ExitDesk> {
  return ExitDesk.connect(connection.client, await connection.l1Signer());
}

function sentenceOf({ pendingSince, declarableAt, declaredAt, payableAt }: ExodusStatus): string {
  if (payableAt !== undefined) return `The chain is dead; everyone is paid from ${timeOf(payableAt)} on: agnt2 exit pay.`;
  if (declaredAt !== undefined) return "The chain is declared dead; when its open rounds are over: agnt2 exit finalise.";
  if (pendingSince === undefined) return "Nothing waits: the chain is alive, or idle. To find out, force something.";
  return `Something has been waiting since ${timeOf(pendingSince)}. Unless something is confirmed, the chain can be declared dead from ${timeOf(declarableAt)} on.`;
}

/** The way out of a chain that confirms nothing any more. */
export function addExitCommands(program: Command): void {
  const exit = program.command("exit").description("the way out when the chain stands still: everyone is paid from its last confirmed state, with a proof");
  exit.action(
    action(async (context) => {
      const status = await (await desk(context)).status();
      const { pendingSince, declarableAt, declaredAt, payableAt } = status;
      context.report.result(sentenceOf(status), { pendingSince: timeOf(pendingSince), declarableAt: timeOf(declarableAt), declaredAt: timeOf(declaredAt), payableAt: timeOf(payableAt) });
    }),
  );
  for (const [name, description, done] of [
    ["declare", "declare the chain dead, for good; anyone may, when it has confirmed nothing for the configured time", "The chain is declared dead."],
    ["finalise", "fix the state that everyone is paid from; anyone may, when no round is open", "The last state is fixed."],
  ] as const) {
    exit
      .command(name)
      .description(description)
      .action(
        action(async (context) => {
          const transaction = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context))[name]());
          context.report.result(done, { transaction });
        }),
      );
  }
  exit
    .command("owed")
    .description("what the last confirmed state owes")
    .option("--to <address>", "only to this L1 address; default: everyone", parseAddress)
    .action(
      action(async (context, options: { to?: string }) => {
        const { connection, report } = context;
        const amount = await amountMaker(connection.client);
        const items = await report.waiting("Waiting for the replica to make the last state again …", (await desk(context)).owed(options.to));
        const rows = items.map(({ what, kind, index, to, units }): Row => ({ what, kind, index, to, amount: amount(units) }));
        report.table(rows.length === 0 ? "Nothing." : "Owed by the last confirmed state:", "owed", rows);
      }),
    );
  exit
    .command("pay")
    .description("have what is owed to you paid; anyone may do it for anyone")
    .option("--to <address>", "what is owed to this L1 address; default: your own", parseAddress)
    .option("--everyone", "all that is owed")
    .action(
      action(async (context, options: { to?: string; everyone?: boolean }) => {
        const { connection, report } = context;
        const to = options.everyone === true ? undefined : (options.to ?? (await connection.signer()).bundleSigner.address);
        const exits = await desk(context);
        const amount = await amountMaker(connection.client);
        const items = await report.waiting("Waiting for the replica to make the last state again …", exits.owed(to));
        const paid = await report.waiting(`Sending ${items.length} transactions …`, exits.pay(items));
        const rows = paid.map(({ what, kind, index, to: payee, units, transactionHash }): Row => ({ what, kind, index, to: payee, amount: amount(units), transaction: transactionHash ?? "paid before" }));
        report.table(rows.length === 0 ? "Nothing is owed." : "Paid:", "paid", rows);
      }),
    );
}

import type { Command } from "commander";

import { encodeRecord } from "../../sdk/index.ts";
import { toChainUnits } from "../../sdk/amount.ts";
import type { Reference } from "../../sdk/operations.ts";
import { parseAddress, parseAgent, parseAmount, parseReference, parseWhole } from "../arguments.ts";
import { givenAmount } from "../Report.ts";
import type { Context } from "../runCommand.ts";
import { action } from "../runCommand.ts";
import { usageError } from "../usageError.ts";

interface ForceOptions {
  readonly agent?: number;
  readonly nonce?: number;
  readonly wait?: number;
}

function withForce(command: Command): Command {
  return command
    .option("--agent <index>", "your account's index, when no server tells it", parseWhole)
    .option("--nonce <number>", "your account's nonce, when no server tells it", parseWhole)
    .option("--wait <seconds>", "wait as long for a batch on L1 that takes it", parseWhole);
}

async function force({ connection, report }: Context, record: Uint8Array, options: ForceOptions, more: Record<string, unknown> = {}): Promise<void> {
  const { agent, nonce, wait } = options;
  if ((agent === undefined) !== (nonce === undefined)) throw usageError("--agent and --nonce belong together");
  const l1 = await connection.l1Account();
  const account = agent === undefined || nonce === undefined ? undefined : { agent, nonce };
  const forced = await report.waiting("Waiting for the L1 transaction …", l1.force([record], account));
  const due = new Date(forced.dueTime * 1000).toISOString();
  if (wait !== undefined) await report.waiting("Waiting for a batch that takes it …", l1.consumed(forced, wait * 1000));
  const sentence = wait === undefined ? `Entry ${forced.entry} waits in the chain's inbox. No batch with a time of ${due} or later can leave it out.` : `A batch has taken entry ${forced.entry}.`;
  report.result(sentence, { entry: forced.entry, dueTime: forced.dueTime, transaction: forced.transactionHash, ...more });
}

/** Operations that go through L1, past a sequencer that is away or leaves them out. The key must be the account's owner. */
export function addForceCommands(program: Command): void {
  const command = program.command("force").description("do something through L1 when the sequencer does not take it; the owner's key, and a fee that grows with what waits");
  withForce(command.command("withdraw").description("take money out; then claim-withdrawal"))
    .argument("<amount>", "whole units", parseAmount)
    .option("--recipient <address>", "L1 address that is paid; default: your own", parseAddress)
    .action(
      action(async (context, amount: string, options: ForceOptions & { recipient?: string }) => {
        const { client } = context.connection;
        const recipient = options.recipient ?? (await context.connection.signer()).bundleSigner.address;
        const record = encodeRecord("WITHDRAW", { recipient, amount: toChainUnits(amount, (await client.config()).asset) });
        await force(context, record, options, { recipient, amount: await givenAmount(client, amount) });
      }),
    );
  withForce(command.command("transfer").description("send money to another agent"))
    .argument("<to>", "index or address of the agent", parseAgent)
    .argument("<amount>", "whole units", parseAmount)
    .action(
      action(async (context, to: number | string, amount: string, options: ForceOptions) => {
        const { client } = context.connection;
        const record = encodeRecord("TRANSFER", { to: await client.agentIndex(to), amount: toChainUnits(amount, (await client.config()).asset) });
        await force(context, record, options, { to, amount: await givenAmount(client, amount) });
      }),
    );
  for (const [name, op, description, what] of [
    ["timeout", "TIMEOUT", "end a call whose deadline or review window has passed", "call"],
    ["claim", "CLAIM", "pay or refund one step of a settled workflow", "call"],
    ["compose", "COMPOSE", "settle a workflow", "workflow"],
  ] as const) {
    withForce(command.command(name).description(description))
      .argument(`<${what}>`, `SLOT:ID of the ${what}`, parseReference)
      .action(action(async (context, reference: Reference, options: ForceOptions) => force(context, encodeRecord(op, reference), options)));
  }
}

import { Option } from "commander";
import type { Command } from "commander";

import type { OperationHandle } from "../../sdk/bundles/OperationHandle.ts";
import type { Reference } from "../../sdk/operations.ts";
import { collectReference, parseAddress, parseAgent, parseAmount, parseReference, parseWhole, showReference } from "../arguments.ts";
import { givenAmount } from "../Report.ts";
import type { Row } from "../Report.ts";
import { action } from "../runCommand.ts";
import type { Context } from "../runCommand.ts";

const WAIT_LEVELS = ["durable", "rooted", "posted", "proven", "confirmed"];

interface WaitOption {
  readonly wait?: string;
}

/** Waits as far as asked for and tells what became of the operation. */
export async function reportOperation({ report }: Context, handle: OperationHandle, options: WaitOption, sentence: string, facts: Row = {}): Promise<void> {
  const result = await report.waiting("Waiting for the sequencer to log and sign it …", handle.durable);
  const row: Record<string, Row[string]> = { ...facts };
  if (result.id !== 0) row["reference"] = showReference(result);
  Object.assign(row, { receipt: result.receipt, position: result.position });
  if (options.wait === "rooted") row["stateRoot"] = (await report.waiting("Waiting for the state root …", handle.rooted)).stateRoot;
  if (options.wait === "proven") row["stateRoot"] = (await report.waiting("Waiting for a proof of the receipt …", handle.proven())).stateRoot;
  if (options.wait === "posted") row["batch"] = (await report.waiting("Waiting for the batch on L1 …", handle.posted())).batch;
  if (options.wait === "confirmed") row["claim"] = (await report.waiting("Waiting for a confirmed claim on L1 …", handle.confirmed())).claimId;
  report.result(sentence, row);
}

function withWait(command: Command): Command {
  return command.addOption(new Option("--wait <level>", "how far to wait").choices(WAIT_LEVELS).default("durable"));
}

interface InvokeOptions extends WaitOption {
  readonly price: string;
  readonly input: string;
  readonly deadline: number;
  readonly capability: number;
  readonly review?: number;
  readonly dependsOn?: readonly Reference[];
}

function withCall(command: Command): Command {
  return withWait(command)
    .argument("<provider>", "index or address of the agent to call", parseAgent)
    .requiredOption("--price <amount>", "what the answer costs, in whole units", parseAmount)
    .requiredOption("--input <text>", "the request; the chain keeps its hash")
    .option("--deadline <seconds>", "how long the provider has", parseWhole, 300)
    .option("--capability <number>", "which of the provider's capabilities", parseWhole, 0)
    .option("--depends-on <slot:id>", "a call that must have succeeded (twice at most)", collectReference);
}

function requestOf(provider: number | string, options: InvokeOptions) {
  const { price, input, deadline, capability, review, dependsOn } = options;
  return {
    provider,
    price,
    input,
    deadlineSeconds: deadline,
    capability,
    ...(review === undefined ? {} : { review: { windowSeconds: review } }),
    ...(dependsOn === undefined ? {} : { dependsOn }),
  };
}

/** Calls and everything that settles them. */
export function addCallCommands(program: Command): void {
  withCall(program.command("invoke").description("call another agent and lock the price"))
    .option("--review <seconds>", "pay on acceptance, or after so long without a rejection", parseWhole)
    .action(
      action(async (context, provider: number | string, options: InvokeOptions) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.invoke(requestOf(provider, options)), options, `Called agent ${provider}; its price is locked.`, { price: await givenAmount(context.connection.client, options.price) });
      }),
    );
  withWait(program.command("respond").description("answer a call"))
    .argument("<call>", "SLOT:ID of the call", parseReference)
    .option("--output <text>", "the answer; the chain keeps its hash", "")
    .option("--failed", "say that it cannot be done: the requester gets the price back")
    .action(
      action(async (context, call: Reference, options: WaitOption & { output: string; failed?: boolean }) => {
        const agent = await context.connection.agent();
        const handle = agent.respond(call, options.output, { failed: options.failed === true });
        await reportOperation(context, handle, options, options.failed === true ? "Answered: it failed." : "Answered.");
      }),
    );
  for (const [name, description, done] of [
    ["accept", "pay an answered call that is under review", "Accepted and paid."],
    ["reject", "take the price of an answered call back, while it is under review", "Rejected; the price is back."],
  ] as const) {
    withWait(program.command(name).description(description))
      .argument("<call>", "SLOT:ID of the call", parseReference)
      .option("--rating <number>", "1 (poor) to 5 (excellent)", parseWhole, 0)
      .action(
        action(async (context, call: Reference, options: WaitOption & { rating: number }) => {
          const agent = await context.connection.agent();
          await reportOperation(context, agent[name](call, options.rating), options, done);
        }),
      );
  }
  withWait(program.command("timeout").description("end a call whose deadline or review window has passed"))
    .argument("<call>", "SLOT:ID of the call", parseReference)
    .action(
      action(async (context, call: Reference, options: WaitOption) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.timeout(call), options, "The call is ended.");
      }),
    );
}

/** Workflows: steps that are paid all together or not at all. */
export function addWorkflowCommands(program: Command): void {
  const workflow = program.command("workflow").description("calls that are settled together");
  withWait(workflow.command("open").description("open a workflow and lock its escrow"))
    .requiredOption("--steps <number>", "how many steps it will have", parseWhole)
    .requiredOption("--escrow <amount>", "what all steps may cost together, in whole units", parseAmount)
    .option("--deadline <seconds>", "how long the steps have", parseWhole, 600)
    .action(
      action(async (context, options: WaitOption & { steps: number; escrow: string; deadline: number }) => {
        const agent = await context.connection.agent();
        const opened = agent.workflow({ steps: options.steps, escrow: options.escrow, deadlineSeconds: options.deadline }).opened!;
        await reportOperation(context, opened, options, `Opened a workflow of ${options.steps} steps.`, { escrow: await givenAmount(context.connection.client, options.escrow) });
      }),
    );
  const step = workflow.command("step").description("add a step").argument("<workflow>", "SLOT:ID of the workflow", parseReference);
  withCall(step).action(
    action(async (context, reference: Reference, provider: number | string, options: InvokeOptions) => {
      const agent = await context.connection.agent();
      const handle = agent.existingWorkflow(reference).step(requestOf(provider, options));
      await reportOperation(context, handle, options, `Added a step for agent ${provider}.`, { price: await givenAmount(context.connection.client, options.price) });
    }),
  );
  withWait(workflow.command("compose").description("settle a workflow: all steps are paid, or all refunded"))
    .argument("<workflow>", "SLOT:ID of the workflow", parseReference)
    .action(
      action(async (context, reference: Reference, options: WaitOption) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.compose(reference), options, "The workflow is settled; its steps can be claimed.");
      }),
    );
  withWait(workflow.command("claim").description("pay or refund one step of a settled workflow"))
    .argument("<call>", "SLOT:ID of the step's call", parseReference)
    .action(
      action(async (context, call: Reference, options: WaitOption) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.claim(call), options, "The step is settled.");
      }),
    );
}

/** Money and keys of the account itself. */
export function addAccountOperations(program: Command): void {
  withWait(program.command("transfer").description("send money to another agent"))
    .argument("<to>", "index or address of the agent", parseAgent)
    .argument("<amount>", "whole units", parseAmount)
    .action(
      action(async (context, to: number | string, amount: string, options: WaitOption) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.transfer(to, amount), options, `Sent ${amount} to agent ${to}.`, { amount: await givenAmount(context.connection.client, amount) });
      }),
    );
  withWait(program.command("open-account").description("open an account for another address"))
    .argument("<owner>", "0x address", parseAddress)
    .argument("[amount]", "whole units to put into it", parseAmount, "0")
    .action(
      action(async (context, owner: string, amount: string, options: WaitOption) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.openAccount(owner, amount), options, `Opened an account for ${owner}.`);
      }),
    );
  withWait(program.command("withdraw").description("take money out of the chain; then claim-withdrawal"))
    .argument("<amount>", "whole units", parseAmount)
    .option("--recipient <address>", "L1 address that is paid; default: the owner", parseAddress)
    .action(
      action(async (context, amount: string, options: WaitOption & { recipient?: string }) => {
        const agent = await context.connection.agent();
        const handle = agent.withdraw(amount, options.recipient);
        const { id } = await context.report.waiting("Waiting for the sequencer …", handle.durable);
        await reportOperation(context, handle, options, `Withdrew ${amount}. When it is confirmed: agnt2 claim-withdrawal ${id}`, { withdrawal: id, amount: await givenAmount(context.connection.client, amount) });
      }),
    );
  withWait(program.command("session-key").description("let another key sign, up to an amount and a time; without a key takes that back"))
    .argument("[key]", "0x address of the session key", parseAddress)
    .option("--cap <amount>", "what it may spend, in whole units", parseAmount, "0")
    .option("--seconds <number>", "how long it is good for", parseWhole, 86_400)
    .action(
      action(async (context, key: string | undefined, options: WaitOption & { cap: string; seconds: number }) => {
        const agent = await context.connection.agent();
        const handle = agent.setSessionKey(key === undefined ? undefined : { key, cap: options.cap, seconds: options.seconds });
        await reportOperation(context, handle, options, key === undefined ? "There is no session key any more." : `${key} may spend ${options.cap} for ${options.seconds} s.`);
      }),
    );
  withWait(program.command("advertise").description("publish the hashes of a capability list and a price list"))
    .argument("<capabilities>", "text of the capability list")
    .argument("<prices>", "text of the price list")
    .action(
      action(async (context, capabilities: string, prices: string, options: WaitOption) => {
        const agent = await context.connection.agent();
        await reportOperation(context, agent.advertise(capabilities, prices), options, "Advertised.");
      }),
    );
}

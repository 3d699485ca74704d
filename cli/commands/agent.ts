import { InvalidArgumentError } from "commander";
import type { Command } from "commander";

import { AgentDesk } from "../../sdk/agents/AgentDesk.ts";
import { readProven } from "../../sdk/agents/readProven.ts";
import { ServiceDesk } from "../../sdk/agents/ServiceDesk.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import { parseAddress, parseWhole } from "../arguments.ts";
import { action } from "../runCommand.ts";
import type { Context } from "../runCommand.ts";

/** Ids of the IdentityRegistry; the first is 0. */
export function parseAgentId(text: string): bigint {
  if (/^\d{1,78}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("expected the number of an agent in the IdentityRegistry.");
}

function collectService(text: string, before: readonly string[] = []): readonly string[] {
  if (!/^[^=]{1,64}=.+$/.test(text)) throw new InvalidArgumentError("expected NAME=URL, for example web=https://agent.example.");
  return [...before, text];
}

async function lookUp({ connection }: Context): Promise<AgentDesk> {
  return new AgentDesk(await connection.economy(), await connection.economyReader());
}

async function desk({ connection }: Context): Promise<AgentDesk> {
  return new AgentDesk(await connection.economy(), await connection.economySigner());
}

interface RegisterOptions {
  readonly description?: string;
  readonly uri?: string;
  readonly service?: readonly string[];
}

/** Names of agents on L1 (ERC-8004), what is proven of them, and agents that act by a policy. */
export function addAgentCommands(program: Command): Command {
  const group = program.command("agent").description("agents on L1: their names, what is proven of them, and agents that act by a policy");
  group
    .command("register")
    .description("register an agent (ERC-8004) of your key")
    .argument("[name]", "its name, for a registration file inside the registry")
    .option("--uri <uri>", "where its registration file is instead: https://…, ipfs://… or data:…")
    .option("--description <text>", "what it does")
    .option("--service <name=url>", "where it is reached; may be given several times", collectService)
    .action(
      action(async (context, name: string | undefined, options: RegisterOptions) => {
        if (name !== undefined && options.uri !== undefined) throw sdkError("SDK_INPUT", "give either a name or --uri");
        if (name === undefined && (options.service ?? options.description) !== undefined) throw sdkError("SDK_INPUT", "--service and --description belong into the file of an agent that has a name");
        const services = (options.service ?? []).map((text) => ({ name: text.slice(0, text.indexOf("=")), endpoint: text.slice(text.indexOf("=") + 1), version: undefined }));
        const file = name === undefined ? options.uri : { name, services, ...(options.description === undefined ? {} : { description: options.description }) };
        const { agentId, uri, transactionHash } = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).register(file));
        context.report.result(`Registered agent ${agentId}.`, { agentId: agentId.toString(), uri, transaction: transactionHash });
      }),
    );
  group
    .command("show")
    .description("an agent as L1 has it: owner, wallet, file, and the calls that are proven of it")
    .argument("<id>", "its number", parseAgentId)
    .action(
      action(async (context, id: bigint) => {
        const { agentId, ...facts } = await (await lookUp(context)).show(id);
        const { proofOfService } = (await context.connection.economy()).contracts;
        const proven = proofOfService === undefined ? undefined : await readProven(await context.connection.economyProvider(), proofOfService, id);
        context.report.result(`Agent ${agentId}.`, { agentId: agentId.toString(), ...facts, provenCalls: proven?.calls ?? 0, clients: proven?.clients ?? 0, score: proven?.score ?? null });
      }),
    );
  group
    .command("link")
    .description("tie your account on the chain to an agent that you own: calls that it is paid for can be proven of it then")
    .argument("<id>", "number of the agent", parseAgentId)
    .action(
      action(async (context, id: bigint) => {
        const { entry, transactionHash } = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).link(id));
        context.report.result("The chain takes it over with its next batches.", { agentId: id.toString(), entry, transaction: transactionHash });
      }),
    );
  group
    .command("wallet")
    .description("have the agent paid at your own address; also its owner's keys have to be yours")
    .argument("<id>", "number of the agent", parseAgentId)
    .action(
      action(async (context, id: bigint) => {
        const signer = await context.connection.economySigner();
        const transaction = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).setWallet(id, signer));
        context.report.result("The wallet is set.", { agentId: id.toString(), wallet: (await signer.getAddress()).toLowerCase(), transaction });
      }),
    );
  group
    .command("prove")
    .description("have a paid call counted on L1 for the agent that answered it, once its state is confirmed; costs a fee that is burned")
    .argument("<receipt>", "number of the receipt of the answer, as respond prints it", parseWhole)
    .option("--timeout <seconds>", "how long to wait for the confirmation", parseWhole, 600)
    .action(
      action(async (context, receipt: number, options: { timeout: number }) => {
        const { connection, report } = context;
        const service = new ServiceDesk(await connection.economy(), connection.client.api, await connection.economySigner());
        const { agentId, client, feeWei, transactionHash } = await report.waiting("Waiting for a confirmed state that holds it …", service.prove(receipt, options.timeout * 1000));
        report.result(`Counted for agent ${agentId}.`, { agentId: agentId.toString(), client, feeWei: feeWei.toString(), transaction: transactionHash });
      }),
    );
  group
    .command("attach")
    .description("have a rating count that paid calls stand behind; anyone may")
    .argument("<id>", "number of the agent", parseAgentId)
    .argument("<client>", "who rated it", parseAddress)
    .argument("<index>", "number of the rating, as rate prints it", parseWhole)
    .action(
      action(async (context, id: bigint, client: string, index: number) => {
        const { connection, report } = context;
        const service = new ServiceDesk(await connection.economy(), connection.client.api, await connection.economySigner());
        const transaction = await report.waiting("Waiting for the L1 transaction …", service.attach(id, client, index));
        report.result("It counts.", { agentId: id.toString(), client, transaction });
      }),
    );
  group
    .command("rate")
    .description("say what an agent is worth; counts for admission only behind paid calls that are proven")
    .argument("<id>", "number of the agent", parseAgentId)
    .argument("<value>", "a decimal number; from 0 to 100 where it should count for admission")
    .option("--tag1 <text>", "what is rated", "")
    .option("--tag2 <text>", "more of that", "")
    .option("--endpoint <url>", "which of its services", "")
    .action(
      action(async (context, id: bigint, value: string, options: { tag1: string; tag2: string; endpoint: string }) => {
        const { feedbackIndex, transactionHash } = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).rate(id, { value, ...options }));
        context.report.result(`Rated agent ${id} with ${value}.`, { agentId: id.toString(), feedbackIndex, transaction: transactionHash });
      }),
    );
  group
    .command("run")
    .description("act by a policy until Ctrl-C, without a person: as an operator that is hired as a sequencer, or as a patron that hires one")
    .requiredOption("--policy <file>", "JSON file; see docs/POLICIES.md")
    .action(
      action(async (context, { policy }: { policy: string }) => {
        // Loaded by the one command that uses it: all others start sooner.
        const { runPolicy } = await import("../agent/runPolicy.ts");
        await runPolicy(context, policy);
      }),
    );
  return group;
}

import { Command, CommanderError } from "commander";

import { parseAddress, parseUrl } from "./arguments.ts";
import { addAgentCommands } from "./commands/agent.ts";
import { addBountyCommands } from "./commands/bounty.ts";
import { addChallengeCommand } from "./commands/challenge.ts";
import { addChannelCommands } from "./commands/channel.ts";
import { addChannelServe } from "./commands/channelServe.ts";
import { addClaimCommands } from "./commands/claims.ts";
import { addExitCommands } from "./commands/exit.ts";
import { addForceCommands } from "./commands/force.ts";
import { addL1Commands } from "./commands/l1.ts";
import { addAccountOperations, addCallCommands, addWorkflowCommands } from "./commands/operations.ts";
import { addReadCommands } from "./commands/reads.ts";
import { addSidecarCommands } from "./commands/sidecar.ts";
import { EXIT_FAILED, EXIT_USAGE } from "./exitCodes.ts";
import { Report } from "./Report.ts";
import { usageError } from "./usageError.ts";

const HELP_AFTER = `
Amounts are whole units (0.25 is a quarter of an ETH); with --json they are base units (wei).
Calls and workflows are named SLOT:ID, as the commands that make them print it.
Settings can come from the environment: AGNT2_SEQUENCER_URL, AGNT2_API_URL, L1_URL, AGNT2_FAUCET_URL, AGNT2_KEYSTORE,
AGNT2_PASSWORD, AGNT2_PASSWORD_FILE, AGNT2_SIGNER_URL, AGNT2_ACCOUNT, AGNT2_DEPLOYMENT, AGNT2_SEQUENCER_ADDRESS,
AGNT2_CHANNELS, AGNT2_TOWERS, AGNT2_BIDS, and AGNT2_KEY on the local chain.
Exit codes: 0 done, ${EXIT_FAILED} failed (the error's code is on stderr), ${EXIT_USAGE} the command line is wrong.`;

/** The whole command line, ready to parse. */
export function createProgram(): Command {
  const program = new Command("agnt2")
    .description("Use an agnt2 chain by hand.")
    .option("--json", "one JSON document instead of text, amounts in base units")
    .option("--sequencer <url>", "the sequencer", parseUrl)
    .option("--api <url>", "a replica's API", parseUrl)
    .option("--l1 <url>", "the L1 endpoint", parseUrl)
    .option("--keystore <file>", "encrypted keystore with your key")
    .option("--password-file <file>", "file with its password in the first line")
    .option("--signer <url>", "external signer instead of a keystore", parseUrl)
    .option("--deployment <file>", "the chain's deployment file, which the servers must agree with")
    .option("--sequencer-address <address>", "the address that must have signed answers", parseAddress)
    .option("--account <address>", "the owner's address, when the key is a session key", parseAddress)
    .addHelpText("after", HELP_AFTER)
    .showHelpAfterError("(agnt2 --help tells more)");
  addReadCommands(program);
  addAccountOperations(program);
  addCallCommands(program);
  addWorkflowCommands(program);
  addL1Commands(program);
  addChannelServe(addChannelCommands(program));
  addAgentCommands(program);
  addBountyCommands(program);
  addForceCommands(program);
  addClaimCommands(program);
  addChallengeCommand(program);
  addExitCommands(program);
  addSidecarCommands(program);
  return program;
}

/** Makes every command throw where commander would end the process, and keep silent where `isJson`. */
function throwOnExit(command: Command, isJson: boolean): void {
  command.exitOverride();
  if (isJson) command.configureOutput({ writeErr: () => undefined });
  for (const each of command.commands) throwOnExit(each, isJson);
}

/** Runs one command and returns the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  const isJson = argv.includes("--json");
  throwOnExit(program, isJson);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end here too, with 0.
    if (error.exitCode === 0) return 0;
    if (isJson) new Report(true).error(usageError(error.message));
    return EXIT_USAGE;
  }
  return Number(process.exitCode ?? 0);
}

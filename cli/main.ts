import { Command } from "commander";

import { addL1Commands } from "./commands/l1.ts";
import { addAccountOperations, addCallCommands, addWorkflowCommands } from "./commands/operations.ts";
import { addReadCommands } from "./commands/reads.ts";

const HELP_AFTER = `
Amounts are whole units (0.25 is a quarter of an ETH); with --json they are base units (wei).
Calls and workflows are named SLOT:ID, as the commands that make them print it.
Settings can come from the environment: AGNT2_SEQUENCER_URL, AGNT2_API_URL, L1_URL, AGNT2_KEYSTORE, AGNT2_PASSWORD,
AGNT2_PASSWORD_FILE, AGNT2_SIGNER_URL, AGNT2_ACCOUNT, and AGNT2_KEY on the local chain.`;

/** The whole command line, ready to parse. */
export function createProgram(): Command {
  const program = new Command("agnt2")
    .description("Use an agnt2 chain by hand.")
    .option("--json", "one JSON document instead of text, amounts in base units")
    .option("--sequencer <url>", "the sequencer")
    .option("--api <url>", "a replica's API")
    .option("--l1 <url>", "the L1 endpoint")
    .option("--keystore <file>", "encrypted keystore with your key")
    .option("--password-file <file>", "file with its password in the first line")
    .option("--signer <url>", "external signer instead of a keystore")
    .option("--account <address>", "the owner's address, when the key is a session key")
    .addHelpText("after", HELP_AFTER)
    .showHelpAfterError("(agnt2 --help tells more)");
  addReadCommands(program);
  addAccountOperations(program);
  addCallCommands(program);
  addWorkflowCommands(program);
  addL1Commands(program);
  return program;
}

/** Runs one command and returns the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  await createProgram().parseAsync([...argv]);
  return Number(process.exitCode ?? 0);
}

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DeployError } from "./DeployError.ts";
import { deployRollup } from "./deployRollup.ts";
import { verifySources } from "./verifySources.ts";

interface DeployArguments {
  readonly parameters?: string;
  readonly name?: string;
  readonly sequencer?: string;
  readonly reset: boolean;
  readonly verify: boolean;
}

/** The body of `npx hardhat deploy`. What goes wrong is one line with a code, and exit code 1. */
export default async function deployAction(args: DeployArguments, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    const overrides = args.sequencer === undefined ? {} : { sequencer: args.sequencer };
    await hre.tasks.getTask("build").run({ quiet: true, noTests: true });
    const log = (line: string): void => console.log(line);
    const file = await deployRollup(hre, { name: args.name, parametersFile: args.parameters, parameters: overrides, reset: args.reset, log });
    if (args.verify) await verifySources(hre, file, log);
  } catch (error) {
    if (!(error instanceof DeployError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

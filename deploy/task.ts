import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";

/** `npx hardhat deploy --network NAME`: puts a chain up on any EVM chain, or finishes what an earlier run began. */
export const deployTask = task("deploy", "Put a chain up on the network of --network; resumes, and does nothing twice")
  .addOption({
    name: "parameters",
    description: "Parameter file instead of deploy/parameters/<network>.json",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "name",
    description: "Name of a further chain on the same L1; its addresses go to deployments/<name>-<chainId>.json",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "sequencer",
    description: "Who may submit batches: an address, 'deployer' or 'anyone' (instead of what the parameter file says)",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({ name: "reset", description: "Local chains only: deploy anew although there are contracts of an earlier run" })
  .addFlag({ name: "verify", description: "Verify the sources on the network's block explorer" })
  .setAction(async () => import("./taskAction.ts"))
  .build();

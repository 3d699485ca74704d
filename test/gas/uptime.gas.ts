import { ZeroHash } from "ethers";
import type { ContractTransactionReceipt } from "ethers";

import { encodeUptimeTerms } from "../../chain/uptime/UptimeTerms.ts";
import { uptimeKey } from "../../chain/uptime/uptimeHashes.ts";
import { deployRegistries } from "../builders/registryScene.ts";
import type { Registries } from "../builders/registryScene.ts";
import { AGENT_ID, MIN_STAKE, UptimeStage } from "../builders/uptimeStage.ts";

const FULL = 10_000;

/** Gas of an UptimeMeter, through a board's call where a board calls; panels of 3 and of 16, in a period that is not the first. */
export async function measureGas(): Promise<Record<string, number>> {
  let registries: Registries | undefined;
  const stage = await UptimeStage.start(async ({ ethers }) => {
    registries = await deployRegistries(ethers, (await ethers.getSigners())[0]!);
    return await registries.validation.getAddress();
  });
  const figures: Record<string, number> = {};
  const note = (name: string, { gasUsed }: ContractTransactionReceipt): void => void (figures[`UptimeMeter.${name}`] = Number(gasUsed));
  try {
    note("join", await stage.send(stage.by(stage.stranger).join({ value: MIN_STAKE })));
    for (const size of [3, 16]) {
      const panel = stage.panel(size);
      const id = BigInt(size);
      note(`begin (${size} on the panel)`, await stage.beginRaw(encodeUptimeTerms(stage.terms({ panel })), id));
      const key = uptimeKey(stage.boardAddress, id, 1);
      await stage.settle(key, 0, Array.from({ length: size }, () => FULL), panel);
      const [first] = stage.validators;
      await stage.at(await stage.secondOf(key, 1, "commit"));
      const commit = async (index: number): Promise<ContractTransactionReceipt> => {
        const validator = stage.validators[index]!;
        return await stage.send(stage.by(validator).commit(key, panel, 1, await stage.commitment(key, 1, validator, FULL)));
      };
      note(`commit (first of ${size})`, await commit(0));
      note(`commit (second of ${size})`, await commit(1));
      for (let index = 2; index < size; index++) await commit(index);
      await stage.at(await stage.secondOf(key, 1, "reveal"));
      note(`reveal (of ${size})`, await stage.send(stage.by(first!).reveal(key, 1, FULL, stage.salt(1, first!))));
      for (const validator of stage.validators.slice(1, size)) await stage.send(stage.by(validator).reveal(key, 1, FULL, stage.salt(1, validator)));
      await stage.at(await stage.secondOf(key, 1, "tally"));
      note(`tally (${size} agree)`, await stage.send(stage.meter.tally(key, 1)));
      await stage.attest(key, 3, Array.from({ length: size }, () => "silent"), panel);
      note(`tally (${size} are silent for the first time)`, await stage.send(stage.meter.tally(key, 3)));
    }
    const key = uptimeKey(stage.boardAddress, 3n, 1);
    const { identity, validation } = registries!;
    await stage.send(identity.connect(stage.operator)["register()"]());
    await stage.send(validation.connect(stage.operator).validationRequest(await stage.meter.getAddress(), AGENT_ID, "", await stage.meter.requestHashOf(key, 1, ZeroHash)));
    note("publish", await stage.send(stage.meter.publish(key, 1, ZeroHash)));
    return figures;
  } finally {
    await stage.connection.close();
  }
}

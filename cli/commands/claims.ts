import { InvalidArgumentError } from "commander";
import type { Command } from "commander";

import { ClaimDesk, listClaims } from "../../sdk/ClaimDesk.ts";
import { parseWhole } from "../arguments.ts";
import { plainFields } from "../plainFields.ts";
import { action } from "../runCommand.ts";
import type { Context } from "../runCommand.ts";

function parseHash(text: string): string {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text;
  throw new InvalidArgumentError("expected a 0x hash of 32 bytes.");
}

function timeOf(seconds: number | undefined): string {
  return seconds === undefined ? "-" : new Date(seconds * 1000).toISOString();
}

async function desk({ connection }: Context): Promise<ClaimDesk> {
  return ClaimDesk.connect(connection.client, await connection.l1Signer());
}

/** Claims about the state, and what a person can do about them alone. */
export function addClaimCommands(program: Command): void {
  const claims = program.command("claims").description("the claims on L1, and whether the replica agrees with them");
  claims.action(
    action(async ({ connection, report }) => {
      const rows = await listClaims(connection.client);
      const isFalse = rows.some(({ isOurs, status }) => isOurs === false && status === "open");
      const sentence = isFalse ? "Claims about the state, on L1. Somebody claims a FALSE one: agnt2 challenge answers it." : "Claims about the state, on L1:";
      report.table(rows.length === 0 ? "None yet." : sentence, "claims", rows.map(plainFields));
    }),
  );
  claims
    .command("round")
    .description("the round under a claim: how long it is open, and what entering costs")
    .argument("<claim>", "id of the parent claim", parseHash)
    .action(
      action(async (context, parent: string) => {
        const { number, rivalsUntil, backedUntil, liveClaims, entries, bondWei } = await (await desk(context)).round(parent);
        context.report.result(rivalsUntil === undefined ? "Nobody has claimed anything on top of it." : `Round ${number}: ${liveClaims} live claims, ${entries} entries.`, {
          round: number, rivalsUntil: timeOf(rivalsUntil), backedUntil: timeOf(backedUntil), liveClaims, entries, bondWei: bondWei.toString(),
        });
      }),
    );
  claims
    .command("make")
    .description("claim the state that your replica derives for the first epoch whose true state nobody has claimed; costs a bond")
    .action(
      action(async (context) => {
        const { epoch, stateRoot, bondWei, transactionHash, ...entry } = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).claimTruth());
        context.report.result(`Claimed the state after epoch ${epoch}.`, { ...entry, stateRoot, bondWei: bondWei.toString(), transaction: transactionHash });
      }),
    );
  claims
    .command("back")
    .description("put a bond of your own on a claim; you then have to play for it: agnt2 challenge")
    .argument("<claim>", "id of the claim", parseHash)
    .action(
      action(async (context, claimId: string) => {
        const { bondWei, transactionHash, ...entry } = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).back(claimId));
        context.report.result("Backed the claim.", { ...entry, bondWei: bondWei.toString(), transaction: transactionHash });
      }),
    );
  claims
    .command("confirm")
    .description("confirm the only live claim of a round that is over; anyone may")
    .argument("<claim>", "id of the claim", parseHash)
    .action(
      action(async (context, claimId: string) => {
        const transaction = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).confirm(claimId));
        context.report.result("Confirmed.", { claimId, transaction });
      }),
    );
  claims
    .command("release")
    .description("credit the bond of an entry whose claim is confirmed or void; anyone may")
    .argument("<round>", "id of the round, as make and back print it", parseHash)
    .argument("<entry>", "number of the entry", parseWhole)
    .action(
      action(async (context, roundId: string, n: number) => {
        const transaction = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).release(roundId, n));
        context.report.result("The bond is credited to its backer: agnt2 claims collect.", { roundId, n, transaction });
      }),
    );
  claims
    .command("collect")
    .description("take what Settlement owes you")
    .action(
      action(async (context) => {
        const { amountWei, transactionHash } = await context.report.waiting("Waiting for the L1 transaction …", (await desk(context)).collect());
        context.report.result(`Collected ${amountWei} wei.`, { amountWei: amountWei.toString(), transaction: transactionHash });
      }),
    );
}

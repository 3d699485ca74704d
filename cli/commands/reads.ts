import { Argument } from "commander";
import type { Command } from "commander";

import { formatBaseUnits } from "../../sdk/amount.ts";
import { PROVEN_OBJECTS } from "../../sdk/Agnt2Client.ts";
import type { ProvenObject } from "../../sdk/Agnt2Client.ts";
import type { Json } from "../../sdk/HttpService.ts";
import { asJson, listField, numberField, textField, unitsField } from "../../sdk/state.ts";
import { SdkError, sdkError } from "../../sdk/SdkError.ts";
import { parseAgent, parseWhole, showReference } from "../arguments.ts";
import { amountMaker, BaseAmount } from "../Report.ts";
import type { Row } from "../Report.ts";
import { plainFields } from "../plainFields.ts";
import { action } from "../runCommand.ts";

/** Commands that only look. */
export function addReadCommands(program: Command): void {
  program
    .command("account")
    .description("show an account; default: your own")
    .argument("[agent]", "index or address", parseAgent)
    .action(
      action(async ({ connection, report }, agent: number | string | undefined) => {
        const { client, config } = connection;
        const who = agent ?? config.account ?? (await connection.signer()).bundleSigner.address;
        const account = await client.account(who);
        if (account === undefined) throw sdkError("SDK_NO_ACCOUNT", String(who));
        const amount = await amountMaker(client);
        const { balance, earned, session, ...rest } = account;
        const grant: Row = session === undefined ? {} : { sessionKey: session.key, sessionExpiry: session.expiry, sessionCap: amount(session.capUnits) };
        report.result(`Agent ${account.index} holds ${amount(balance)}.`, { ...rest, balance: amount(balance), earned: amount(earned), ...grant });
      }),
    );
  program
    .command("balance")
    .description("what an agent holds on the chain and on L1; default: your own")
    .argument("[agent]", "index or address", parseAgent)
    .action(
      action(async ({ connection, report }, agent: number | string | undefined) => {
        const { client, config } = connection;
        const who = agent ?? config.account ?? (await connection.signer()).bundleSigner.address;
        const account = await client.account(who);
        const owner = account?.owner ?? String(who);
        const amount = await amountMaker(client);
        const units = account?.balance ?? 0;
        const l1Base = await connection.l1Balance(owner);
        const { asset } = await client.config();
        report.result(`${owner} holds ${amount(units)} on the chain and ${formatBaseUnits(l1Base, asset)} ${asset.symbol} on L1.`, {
          owner,
          agent: account?.index ?? null,
          balance: amount(units),
          l1Balance: new BaseAmount(l1Base, asset),
        });
      }),
    );
  program
    .command("proof")
    .description("have a replica prove a leaf of the state, and check the proof")
    .addArgument(new Argument("<object>", "what is proven").choices(Object.keys(PROVEN_OBJECTS)))
    .argument("<index>", "its slot or number", parseWhole)
    .action(
      action(async ({ connection, report }, object: ProvenObject, index: number) => {
        const proven = await connection.client.proof(object, index);
        if (proven === undefined) throw new SdkError({ code: "api/notFound", reaction: "reject", what: `the replica has no proof of ${object} ${index}`, why: "", todo: "check the number; a withdrawal needs a confirmed claim" });
        const { fields, leaf, siblings, stateRoot, batchCount } = proven;
        const sentence = `${object} ${index} is in the state ${stateRoot} after ${batchCount} batches; the proof of ${siblings.length / 3} levels was checked.`;
        report.result(sentence, report.isJson ? { object, index, fields, leaf, siblings, stateRoot, batchCount } : { ...fields });
      }),
    );
  program
    .command("status")
    .description("how far the sequencer and the replica are")
    .action(
      action(async ({ connection, report }) => {
        const { client } = connection;
        const sequencer = await client.status();
        const replica = await client.api.find("/v1/status").catch(() => undefined);
        report.result("", { ...plainFields(sequencer), ...(replica === undefined ? { replica: "not reachable" } : { replica: plainFields(replica) as never }) });
      }),
    );
  for (const [name, description, role] of [
    ["calls", "calls that wait for an agent; default: for you", "provider"],
    ["requests", "calls that an agent has made and that are not settled; default: yours", "requester"],
  ] as const) {
    program
      .command(name)
      .description(description)
      .argument("[agent]", "index or address", parseAgent)
      .action(
        action(async ({ connection, report }, agent: number | string | undefined) => {
          const { client, config } = connection;
          const who = agent ?? config.account ?? (await connection.signer()).bundleSigner.address;
          const amount = await amountMaker(client);
          const items = listField(await client.api.get(`/v1/calls?${role}=${encodeURIComponent(who)}&limit=500`), "items").map(asJson);
          const rows = items.map((call): Row => ({
            reference: showReference({ slot: numberField(call, "slot"), id: numberField(call, "id") }),
            requester: numberField(call, "requester"),
            provider: numberField(call, "provider"),
            price: amount(unitsField(call, "price")),
            status: textField(call, "status"),
            deadline: numberField(call, "deadline"),
            inputHash: textField(call, "inputHash"),
          }));
          report.table(rows.length === 0 ? "None in the newest batch on L1." : "Not settled in the newest batch on L1:", name, rows);
        }),
      );
  }
  program
    .command("batches")
    .description("the batches on L1")
    .action(
      action(async ({ connection, report }) => {
        const rows = listField(await connection.client.api.get("/v1/batches?limit=500"), "items") as Json[];
        report.table(rows.length === 0 ? "None yet." : "Batches on L1, as the replica derived them:", "batches", rows.map(plainFields));
      }),
    );
}

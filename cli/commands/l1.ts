import type { Command } from "commander";

import { toBaseUnits } from "../../sdk/amount.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { createKeystore } from "../../sdk/node/keystore.ts";
import { parseAddress, parseAmount, parseWhole } from "../arguments.ts";
import { BaseAmount, givenAmount } from "../Report.ts";
import { readPassword } from "../readPassword.ts";
import { action } from "../runCommand.ts";

/** Commands that send transactions on L1, and the keys for them. */
export function addL1Commands(program: Command): void {
  program
    .command("deposit")
    .description("pay into the chain from L1; opens the account if it is new")
    .argument("<amount>", "whole units", parseAmount)
    .option("--to <address>", "whose account; default: your own", parseAddress)
    .action(
      action(async ({ connection, report }, amount: string, options: { to?: string }) => {
        const l1 = await connection.l1Account();
        const deposit = await report.waiting("Waiting for the L1 transaction …", l1.deposit(amount, options.to));
        await report.waiting("Waiting for the chain to credit it …", l1.credited(deposit));
        const account = await connection.client.account(options.to ?? (await l1.address()));
        report.result(`Deposited ${amount}; agent ${account?.index} has it.`, { agent: account?.index, amount: await givenAmount(connection.client, amount), entry: deposit.entry, transaction: deposit.transactionHash });
      }),
    );
  program
    .command("claim-withdrawal")
    .description("have the bridge pay a withdrawal, by Merkle proof, once its state is confirmed")
    .argument("<index>", "number of the withdrawal, as withdraw prints it", parseWhole)
    .option("--timeout <seconds>", "how long to wait for the confirmation", parseWhole, 600)
    .action(
      action(async ({ connection, report }, index: number, options: { timeout: number }) => {
        const l1 = await connection.l1Account();
        const { asset } = await connection.client.config();
        const result = await report.waiting("Waiting for a confirmed state that holds it …", l1.claimWithdrawal(index, options.timeout * 1000));
        const sentence = result.paid ? "The bridge has paid." : "The recipient refused the payment: it waits in the bridge.";
        report.result(sentence, {
          recipient: result.recipient,
          amount: new BaseAmount(result.amountBase, asset),
          claim: result.proof.claimId,
          stateRoot: result.proof.stateRoot,
          transaction: result.transactionHash,
        });
      }),
    );
  program
    .command("faucet")
    .description("get test money on L1 (local network only)")
    .argument("[address]", "who gets it; default: your own address", parseAddress)
    .option("--amount <amount>", "whole units", parseAmount, "10")
    .action(
      action(async ({ connection, report }, address: string | undefined, options: { amount: string }) => {
        const { config, client } = connection;
        const recipient = address ?? (await connection.signer()).bundleSigner.address;
        const { asset } = await client.config();
        const service = new HttpService(config.faucet, { timeoutMs: 30_000 });
        const answer = await service.postJson("/v1/faucet", { address: recipient, amountBase: toBaseUnits(options.amount, asset).toString() });
        report.result(`Gave ${options.amount} to ${recipient} on L1.`, { recipient, transaction: String(answer["transactionHash"]) });
      }),
    );
  program
    .command("keys")
    .description("keys in encrypted files")
    .command("new")
    .description("make a key and keep it encrypted with a password")
    .argument("<file>", "keystore file to write; never overwritten")
    .action(
      action(async ({ connection, report }, file: string) => {
        const password = await readPassword(connection.config, true);
        const { address } = await report.waiting("Encrypting …", createKeystore(file, password));
        report.result("Made a key. Without its password the file is useless; keep both.", { address, file });
      }),
    );
}

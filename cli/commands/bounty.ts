import { InvalidArgumentError } from "commander";
import type { Command } from "commander";

import { toBaseUnits } from "../../sdk/amount.ts";
import { JobDesk } from "../../sdk/bounties/JobDesk.ts";
import { readInline } from "../../sdk/bounties/documents.ts";
import { ignoreAbsence } from "../../sdk/absence.ts";
import { NO_TOKEN } from "../../sdk/L1Sender.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import { asJson, listField, numberField } from "../../sdk/state.ts";
import { parseAddress, parseAmount, parseHex } from "../arguments.ts";
import { assetOf, bountyFacts, lookAtBoard, openBids, openBoard, openJob, parseBounty, termFacts } from "../bounty/desks.ts";
import { addPostCommand } from "../bounty/postTerms.ts";
import { BaseAmount } from "../Report.ts";
import type { Row } from "../Report.ts";
import { action } from "../runCommand.ts";
import type { Context } from "../runCommand.ts";
import { parseAgentId } from "./agent.ts";

const MOST_LISTED = 100;
const WAITING = "Waiting for the L1 transaction …";

function parseBytes32(text: string): string {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text;
  throw new InvalidArgumentError("expected 32 bytes as 0x text, such as the hash of what is handed in.");
}

/** Numbers of bounties: by a replica's index, or by L1 itself. */
async function listed(context: Context, isFromL1: boolean): Promise<number[]> {
  const api = context.connection.client.api;
  const answer = isFromL1 ? undefined : await ignoreAbsence(api.get(`/v1/economy/bounties?limit=${MOST_LISTED}`));
  if (answer !== undefined) return listField(answer, "items").map((item) => numberField(asJson(item), "id"));
  const count = await (await lookAtBoard(context)).count();
  return Array.from({ length: Math.min(count, MOST_LISTED) }, (_, place) => count - place);
}

function addLooks(group: Command): void {
  group
    .command("list")
    .description("the newest bounties")
    .option("--from-l1", "from L1 itself, without a replica's index")
    .action(
      action(async (context, { fromL1 = false }: { fromL1?: boolean }) => {
        const desk = await lookAtBoard(context);
        const rows = await context.report.waiting("Reading …", Promise.all((await listed(context, fromL1)).map(async (id) => bountyFacts(context, await desk.read(id)))));
        context.report.table(rows.length === 0 ? "There are none." : "Bounties, the newest first:", "bounties", rows);
      }),
    );
  group
    .command("show")
    .description("one bounty: its words, its terms, and the bids that stand")
    .argument("<id>", "number of the bounty", parseBounty)
    .action(
      action(async (context, id: number) => {
        const desk = await lookAtBoard(context);
        const [bounty, [posted], bids, meter] = await Promise.all([desk.read(id), desk.posted(id), desk.bids(id), desk.read(id).then((read) => (read.worker === undefined ? undefined : desk.meter(read)))]);
        const shown = bids.map(({ bidder, status, agentId, priceBase }) => ({ bidder, status, agentId: agentId?.toString() ?? null, price: priceBase?.toString() ?? null }));
        const facts: Row = {
          ...(await bountyFacts(context, bounty)), ...(await termFacts(context, bounty)), spec: posted?.spec.uri ?? null, units: meter === undefined ? null : meter.units.toString(), paidUnits: bounty.paidUnits.toString(), failed: meter?.hasFailed ?? false,
          job: bounty.jobId?.toString() ?? null, bids: shown,
        };
        context.report.result((posted === undefined ? undefined : readInline(posted.intent)) ?? `Bounty ${id}.`, facts);
      }),
    );
}

/** Commands that send one transaction about a bounty and have nothing more to say. */
const PLAIN = [
  ["take", "take a bounty that names you, with the stake", "Taken."],
  ["advance", "go on when the work of a part has been judged; anyone may", "It goes on."],
  ["close", "end it: by its poster while nobody is at work, by anyone when its rounds are over", "Closed."],
  ["refund", "have your part of what is left credited, when it is closed", "Credited; take it with: agnt2 bounty withdraw."],
  ["reopen", "begin the next round of bidding when nobody was hired; anyone may", "Another round begins."],
  ["finish", "end metered work whose time is over; anyone may", "The work is over."],
] as const;

function addMoney(group: Command): void {
  group
    .command("fund")
    .description("add to the pool")
    .argument("<id>", "number of the bounty", parseBounty)
    .argument("<amount>", "whole units of its token", parseAmount)
    .action(
      action(async (context, id: number, amount: string) => {
        const desk = await openBoard(context);
        const asset = await assetOf(context, (await desk.read(id)).terms.token);
        const base = toBaseUnits(amount, asset);
        const transaction = await context.report.waiting(WAITING, desk.fund(id, base));
        context.report.result(`Added ${amount} ${asset.symbol}.`, { bounty: id, amount: new BaseAmount(base, asset), transaction });
      }),
    );
  group
    .command("withdraw")
    .description("take everything that the board and its jobs owe you")
    .option("--token <address>", "default: ETH, or that of the bid", parseAddress)
    .option("--bid <id>", "take the stake of your bid on this bounty back first", parseBounty)
    .action(
      action(async (context, options: { token?: string; bid?: number }) => {
        const desk = await openBoard(context);
        const token = options.token ?? (options.bid === undefined ? NO_TOKEN : (await desk.read(options.bid)).terms.token);
        if (options.bid !== undefined) await context.report.waiting(WAITING, desk.withdrawBid(options.bid));
        const asset = await assetOf(context, token);
        const escrow = await openEscrow(context);
        let base = 0n;
        for (const each of [desk, escrow]) if ((await each.credit(token)) > 0n) base += (await context.report.waiting(WAITING, each.withdraw(token))).amountBase;
        context.report.result(base === 0n ? "Nothing waits for you." : "Taken.", { amount: new BaseAmount(base, asset) });
      }),
    );
}

async function openEscrow(context: Context) {
  const desk = await openBoard(context);
  return new JobDesk(desk.economy, desk.sender.signer, await desk.escrow());
}

function addBidding(group: Command): void {
  group
    .command("bid")
    .description("commit to a bid that nobody sees until it is revealed; its salt is kept in a file")
    .argument("<id>", "number of the bounty", parseBounty)
    .argument("<price>", "whole units of its token: for the work, or for a unit", parseAmount)
    .requiredOption("--agent <id>", "your agent in the IdentityRegistry", parseAgentId)
    .action(
      action(async (context, id: number, price: string, { agent }: { agent: bigint }) => {
        const desk = await openBoard(context);
        const { terms, round } = await desk.read(id);
        const asset = await assetOf(context, terms.token);
        const bidder = await desk.sender.address();
        const key = { chainId: desk.economy.chainId, board: desk.address, bounty: id, round, bidder };
        const secret = await (await openBids(context, bidder)).seal(key, agent, toBaseUnits(price, asset));
        const transaction = await context.report.waiting(WAITING, desk.commit(id, secret));
        const sentence = `Committed. Reveal it in time, or half of the stake is lost: agnt2 bounty reveal ${id}`;
        context.report.result(sentence, { bounty: id, round, price: new BaseAmount(secret.priceBase, asset), stake: new BaseAmount(terms.stake, asset), transaction });
      }),
    );
  group
    .command("reveal")
    .description("show the bid that you committed to")
    .argument("<id>", "number of the bounty", parseBounty)
    .action(
      action(async (context, id: number) => {
        const desk = await openBoard(context);
        const bidder = await desk.sender.address();
        const [{ round }, { commitment }, book] = await Promise.all([desk.read(id), desk.bid(id, bidder), openBids(context, bidder)]);
        const secret = book.find({ chainId: desk.economy.chainId, board: desk.address, bounty: id, round, bidder }, commitment);
        if (secret === undefined) throw sdkError("SDK_INPUT", `no bid of this key on bounty ${id} is in the file of bids`, { id });
        const transaction = await context.report.waiting(WAITING, desk.reveal(id, secret));
        context.report.result("Shown.", { bounty: id, price: secret.priceBase.toString(), transaction });
      }),
    );
  group
    .command("award")
    .description("hire a bidder; without an address the lowest, which anyone may when the poster's time is over")
    .argument("<id>", "number of the bounty", parseBounty)
    .argument("[bidder]", "address of the bidder", parseAddress)
    .action(
      action(async (context, id: number, bidder: string | undefined) => {
        const desk = await openBoard(context);
        const transaction = await context.report.waiting(WAITING, bidder === undefined ? desk.awardBest(id) : desk.award(id, bidder));
        context.report.result("Hired.", { bounty: id, worker: (await desk.read(id)).worker ?? null, transaction });
      }),
    );
}

function addWork(group: Command): void {
  group
    .command("submit")
    .description("hand the work in")
    .argument("<id>", "number of the bounty", parseBounty)
    .argument("<deliverable>", "32 bytes, such as the hash of what is handed in", parseBytes32)
    .action(
      action(async (context, id: number, deliverable: string) => {
        const { jobs, jobId } = await openJob(context, id);
        context.report.result("Handed in.", { bounty: id, job: jobId.toString(), transaction: await context.report.waiting(WAITING, jobs.submit(jobId, deliverable)) });
      }),
    );
  for (const [name, description] of [["accept", "take the work, as its evaluator"], ["reject", "do not take it, as its evaluator"]] as const) {
    group
      .command(name)
      .description(description)
      .argument("<id>", "number of the bounty", parseBounty)
      .action(
        action(async (context, id: number) => {
          const { jobs, jobId } = await openJob(context, id);
          const transaction = await context.report.waiting(WAITING, name === "accept" ? jobs.accept(jobId) : jobs.reject(jobId));
          context.report.result(name === "accept" ? "Accepted. The bounty goes on with: agnt2 bounty advance." : "Rejected.", { bounty: id, job: jobId.toString(), transaction });
        }),
      );
  }
  group
    .command("dispute")
    .description("ask the arbiter, with a bond of 5 % of the part's budget")
    .argument("<id>", "number of the bounty", parseBounty)
    .action(
      action(async (context, id: number) => {
        const { jobs, jobId, bounty } = await openJob(context, id);
        const { bondBase, transactionHash } = await context.report.waiting(WAITING, jobs.dispute(jobId));
        context.report.result("Disputed.", { bounty: id, job: jobId.toString(), bond: new BaseAmount(bondBase, await assetOf(context, bounty.terms.token)), transaction: transactionHash });
      }),
    );
  group
    .command("verify")
    .description("have the verifier contract take the work; anyone may")
    .argument("<id>", "number of the bounty", parseBounty)
    .option("--data <hex>", "what the verifier wants to see", parseHex, "0x")
    .action(
      action(async (context, id: number, { data }: { data: string }) => {
        const { jobs, jobId } = await openJob(context, id);
        context.report.result("Verified.", { bounty: id, job: jobId.toString(), transaction: await context.report.waiting(WAITING, jobs.verify(jobId, data)) });
      }),
    );
  group
    .command("claim")
    .description("have what is earned credited: units of metered work, or judged work whose time is over; anyone may")
    .argument("<id>", "number of the bounty", parseBounty)
    .action(
      action(async (context, id: number) => {
        const desk = await openBoard(context);
        const bounty = await desk.read(id);
        if (bounty.terms.kind === "METERED") {
          const { units, amountBase, transactionHash } = await context.report.waiting(WAITING, desk.claimUnits(id));
          return context.report.result(`Credited for ${units} units.`, { bounty: id, units: units.toString(), amount: new BaseAmount(amountBase, await assetOf(context, bounty.terms.token)), transaction: transactionHash });
        }
        const { jobs, jobId } = await openJob(context, id);
        const transaction = await context.report.waiting(WAITING, jobs.settle(jobId));
        context.report.result(transaction === undefined ? "Nothing that time would end." : "Ended. The bounty goes on with: agnt2 bounty advance.", { bounty: id, job: jobId.toString(), status: (await jobs.read(jobId)).status, transaction });
      }),
    );
  group
    .command("fail")
    .description("end metered work that the meter calls failed: its stake is lost, a tenth of it is yours; anyone may")
    .argument("<id>", "number of the bounty", parseBounty)
    .action(
      action(async (context, id: number) => {
        const { bidder, rewardBase, burnedBase, transactionHash } = await context.report.waiting(WAITING, (await openBoard(context)).fail(id));
        context.report.result(`${bidder} is slashed.`, { bounty: id, bidder, reward: rewardBase.toString(), burned: burnedBase.toString(), transaction: transactionHash });
      }),
    );
}

/** Bounties: who is wanted, who is hired, and what is earned. */
export function addBountyCommands(program: Command): void {
  const group = program.command("bounty").description("bounties on L1: post, bid, hire, work, be paid");
  addPostCommand(group);
  addLooks(group);
  addMoney(group);
  addBidding(group);
  addWork(group);
  for (const [name, description, sentence] of PLAIN) {
    const command = group.command(name).description(description).argument("<id>", "number of the bounty", parseBounty);
    if (name === "take") command.requiredOption("--agent <id>", "your agent in the IdentityRegistry", parseAgentId);
    command.action(
      action(async (context, id: number, { agent }: { agent?: bigint }) => {
        const desk = await openBoard(context);
        const send = (): Promise<string> => (name === "take" ? desk.take(id, agent!) : desk[name](id));
        context.report.result(sentence, { bounty: id, transaction: await context.report.waiting(WAITING, send()) });
      }),
    );
  }
}

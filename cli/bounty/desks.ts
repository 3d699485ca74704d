import { homedir } from "node:os";
import { join } from "node:path";

import { InvalidArgumentError } from "commander";

import type { Asset } from "../../sdk/amount.ts";
import { BountyDesk } from "../../sdk/bounties/BountyDesk.ts";
import type { Bounty } from "../../sdk/bounties/BountyDesk.ts";
import { isNobody } from "../../sdk/bounties/BountyTerms.ts";
import { JobDesk } from "../../sdk/bounties/JobDesk.ts";
import { tokenOnL1 } from "../../sdk/L1Account.ts";
import { NO_TOKEN } from "../../sdk/L1Sender.ts";
import { BidBook } from "../../sdk/node/bounties/BidBook.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import { BaseAmount } from "../Report.ts";
import type { Row } from "../Report.ts";
import type { Context } from "../runCommand.ts";

const ETH: Asset = { assetScale: 1n, decimals: 18, symbol: "ETH" };

export function parseBounty(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected the number of a bounty.");
}

export async function openBoard({ connection }: Context): Promise<BountyDesk> {
  return new BountyDesk(await connection.economy(), await connection.economySigner());
}

/** The same for looking: needs no key. */
export async function lookAtBoard({ connection }: Context): Promise<BountyDesk> {
  return new BountyDesk(await connection.economy(), await connection.economyReader());
}

/** The work of a bounty that is judged. @throws SdkError `SDK_INPUT` when no part of it has begun */
export async function openJob(context: Context, id: number): Promise<{ readonly desk: BountyDesk; readonly jobs: JobDesk; readonly bounty: Bounty; readonly jobId: bigint }> {
  const desk = await openBoard(context);
  const bounty = await desk.read(id);
  if (bounty.jobId === undefined) throw sdkError("SDK_INPUT", `no work of bounty ${id} has begun that anybody judges`, { id });
  const jobs = new JobDesk(desk.economy, desk.sender.signer, await desk.escrow());
  return { desk, jobs, bounty, jobId: bounty.jobId };
}

/** How amounts of a token are written. */
export async function assetOf({ connection }: Context, token: string): Promise<Asset> {
  if (token.toLowerCase() === NO_TOKEN) return ETH;
  return { assetScale: 1n, ...(await tokenOnL1(await connection.economyProvider(), token)) };
}

/** The salts of this key's bids. */
export async function openBids({ connection }: Context, bidder: string): Promise<BidBook> {
  return BidBook.open(connection.config.bids ?? join(homedir(), ".agnt2", "bids", `${bidder}.json`));
}

/** A bounty as facts. */
export async function bountyFacts(context: Context, bounty: Bounty): Promise<Row> {
  const { terms } = bounty;
  const asset = await assetOf(context, terms.token);
  const amount = (base: bigint): BaseAmount => new BaseAmount(base, asset);
  return {
    bounty: bounty.id, role: terms.role, kind: terms.kind, phase: bounty.phase, until: bounty.phaseEndsAt === undefined ? null : new Date(bounty.phaseEndsAt * 1000).toISOString(), round: bounty.round,
    pool: amount(bounty.poolBase), ceiling: amount(terms.ceiling), stake: amount(terms.stake), minProvenCalls: terms.minProvenCalls.toString(), poster: bounty.poster, worker: bounty.worker ?? null,
  };
}

/** What its terms say besides, for whoever thinks of bidding. */
export async function termFacts(context: Context, { terms }: Bounty): Promise<Row> {
  const nobody = (address: string): string | null => (isNobody(address) ? null : address.toLowerCase());
  return {
    token: nobody(terms.token), goal: new BaseAmount(terms.goal, await assetOf(context, terms.token)), workSeconds: terms.workSeconds,
    evaluator: nobody(terms.evaluator), arbiter: nobody(terms.arbiter), source: nobody(terms.source), onlyFor: nobody(terms.bidder),
  };
}

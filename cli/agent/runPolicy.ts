import { once } from "node:events";

import { tokenOnL1 } from "../../sdk/L1Account.ts";
import { OperatorAgent } from "../../sdk/node/policy/OperatorAgent.ts";
import { PatronAgent } from "../../sdk/node/policy/PatronAgent.ts";
import type { PolicyNotice } from "../../sdk/node/policy/PolicyNotice.ts";
import { readPolicy } from "../../sdk/node/policy/policySchema.ts";
import { HttpService } from "../../sdk/HttpService.ts";
import { inheritedEnvironment } from "../config.ts";
import type { Row } from "../Report.ts";
import type { Context } from "../runCommand.ts";

const ETH_DECIMALS = 18;

const DONE: Readonly<Record<string, string>> = {
  commit: "Committed to a bid.", reveal: "Showed the bid.", awardBest: "Took the work in the fallback.", take: "Took the work.", join: "Joined the set of operators.",
  claimUnits: "Was credited for confirmed batches.", finish: "The work is over.", leaveSet: "Left the set of operators.", withdrawBond: "Took the bond back.", withdrawBid: "Took the bid back.",
  withdrawCredit: "Was paid.", post: "Posted a bounty.", fund: "Added to the pool.", award: "Hired a bidder.", fail: "Had a silent operator slashed.", reopen: "Began another round of bidding.",
  close: "Closed the bounty.", refund: "Took the rest of the pool back.",
};

function factsOf(notice: Exclude<PolicyNotice, { kind: "trouble" }>): [sentence: string, facts: Row] {
  switch (notice.kind) {
    case "registered":
      return ["Registered an agent.", { event: "registered", agentId: notice.agentId.toString() }];
    case "passed":
      return [`Does not bid on bounty ${notice.bounty}: ${notice.reason}.`, { event: "passed", bounty: notice.bounty, reason: notice.reason }];
    case "waiting":
      return [`Waits: ${notice.reason}.`, { event: "waiting", reason: notice.reason }];
    case "sequencer": {
      const { kind, ...facts } = notice.notice;
      return [`The sequencer: ${kind}.`, { event: `sequencer-${kind}`, ...facts }];
    }
    case "done": {
      const values = Object.fromEntries(Object.entries(notice.values).map(([name, value]) => [name, typeof value === "bigint" ? value.toString() : value]));
      return [DONE[notice.action] ?? notice.action, { event: notice.action, bounty: notice.bounty, ...values }];
    }
  }
}

/** Acts by a policy file until a signal ends it. */
export async function runPolicy({ connection, report }: Context, file: string): Promise<void> {
  const policy = await readPolicy(file);
  if (policy.l1Url !== undefined) connection.useL1(policy.l1Url);
  const [economy, signer] = await Promise.all([connection.economy(), connection.economySigner()]);
  const decimals = policy.token === undefined ? ETH_DECIMALS : (await tokenOnL1(await connection.economyProvider(), policy.token)).decimals;
  const onNotice = (notice: PolicyNotice): void => (notice.kind === "trouble" ? report.error(notice.error) : report.event(...factsOf(notice)));
  const { l1: l1Url, api } = connection.config;
  const stopping = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const agent =
    policy.role === "patron"
      ? await PatronAgent.start({ policy, economy, signer, decimals, onNotice })
      : await OperatorAgent.start({ policy, economy, signer, decimals, onNotice, l1Url, api: new HttpService(api), env: inheritedEnvironment(), keyEnv: connection.sequencerKey() });
  try {
    report.event(`Acts as ${policy.role} until Ctrl-C.`, { event: "running", role: policy.role, account: (await signer.getAddress()).toLowerCase() });
    await stopping;
  } finally {
    await agent.stop();
  }
}

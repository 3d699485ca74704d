import { ZeroAddress, keccak256, toUtf8Bytes } from "ethers";
import type { ContractTransactionResponse } from "ethers";

import { DELIVERABLE, JobScene, REASON, SPEC_HASH, WORK, mined } from "../builders/jobScene.ts";
import type { JobOptions } from "../builders/jobScene.ts";

const BUDGET = 10n ** 18n;
const SHOWN = toUtf8Bytes("what was made");
/** The time at which every run begins, since zero bytes of a call cost less. */
const BEGINNING = 4_000_000_000;
const EXPIRY = BEGINNING + WORK + 0x1111;

/** Gas of jobs, in ETH and in a token, by accounts and in a contract that have been used before. */
export async function measureGas(): Promise<Record<string, number>> {
  const scene = await JobScene.start();
  try {
    await scene.pass(BEGINNING);
    return { ...(await life(scene, "ETH")), ...(await life(scene, "ERC-20")), ...(await others(scene)) };
  } finally {
    await scene.stop();
  }
}

const gasOf = async (sent: Promise<ContractTransactionResponse>): Promise<number> => Number((await mined(sent)).gasUsed);

async function life(scene: JobScene, kind: "ETH" | "ERC-20"): Promise<Record<string, number>> {
  const token = kind === "ETH" ? ZeroAddress : (await scene.token()).address;
  const options = { token, budget: BUDGET };
  const figures: Record<string, number> = {};
  const measure = async (what: string, sent: Promise<ContractTransactionResponse>): Promise<void> => {
    figures[`JobEscrow.${what}${kind === "ETH" ? "" : `, ${kind}`}`] = await gasOf(sent);
  };
  // The first job of a token costs what later ones do not.
  const first = await scene.disputed(options);
  await scene.as("arbiter").rule(first, 5_000n);

  const value = token === ZeroAddress ? BUDGET : 0n;
  if (kind === "ETH") await measure("createJob", scene.as("client").createJob(scene.of("provider"), scene.of("evaluator"), EXPIRY, "a picture of a lighthouse", ZeroAddress, 7n));
  const jobId = kind === "ETH" ? await scene.escrow.jobCount() : await scene.open(options);
  if (kind === "ETH") await measure("setBudget", scene.as("client").setBudget(jobId, token, BUDGET, "0x"));
  await measure("fund", scene.as("client").fund(jobId, BUDGET, scene.encode(scene.terms({ token })), { value }));
  if (kind === "ETH") await measure("submit", scene.as("provider").submit(jobId, DELIVERABLE, "0x"));
  else await scene.as("provider").submit(jobId, DELIVERABLE, "0x");
  await measure("complete", scene.as("evaluator").complete(jobId, REASON, "0x"));
  const opening = { provider: scene.of("provider"), evaluator: scene.of("evaluator"), expiredAt: EXPIRY, providerAgentId: 7n, budget: BUDGET, feeVersion: 0n };
  await measure("openFunded", scene.as("client").openFunded(opening, scene.terms({ token }), "", { value }));
  const disputed = await scene.contested(options);
  await measure("dispute", scene.as("provider").dispute(disputed, { value: token === ZeroAddress ? await scene.escrow.bondOf(disputed) : 0n }));
  await measure("rule", scene.as("arbiter").rule(disputed, 7_000n));
  await measure("withdraw", scene.as("provider").withdraw(token, scene.of("provider")));
  return figures;
}

async function others(scene: JobScene): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const rejected = await scene.submitted();
  figures["JobEscrow.reject"] = await gasOf(scene.as("evaluator").reject(rejected, REASON, "0x"));
  const silent = await scene.submitted();
  const unruled = await scene.disputed();
  const verified: JobOptions = { evaluator: await (await scene.verifier()).getAddress(), terms: { isVerified: true, arbiter: ZeroAddress, specHash: SPEC_HASH } };
  const shown = await scene.funded(verified);
  await scene.as("provider").submit(shown, keccak256(SHOWN), "0x");
  figures["JobEscrow.completeVerified (verifier that does little)"] = await gasOf(scene.as("stranger").completeVerified(shown, SHOWN));
  const expired = await scene.funded();
  await scene.pass((await scene.now()) + WORK);
  figures["JobEscrow.claimRefund"] = await gasOf(scene.as("stranger").claimRefund(expired));
  figures["JobEscrow.completeSilent"] = await gasOf(scene.as("stranger").completeSilent(silent));
  figures["JobEscrow.settleRejected"] = await gasOf(scene.as("stranger").settleRejected(rejected));
  figures["JobEscrow.settleUnruled"] = await gasOf(scene.as("stranger").settleUnruled(unruled));
  const hook = await (await scene.hook()).getAddress();
  const hooked = await scene.submitted({ hook });
  figures["JobEscrow.complete (with a hook)"] = await gasOf(scene.as("evaluator").complete(hooked, REASON, "0x"));
  return figures;
}

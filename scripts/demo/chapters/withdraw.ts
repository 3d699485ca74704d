import { formatBaseUnits } from "../../../sdk/amount.ts";
import type { Chapter } from "../Story.ts";

const AMOUNT = "0.2";

/** Money leaves the chain by a Merkle proof, not by anybody's grace. */
export const withdraw: Chapter = {
  number: 6,
  title: "An agent withdraws, and L1 pays against a Merkle proof",
  async play(story) {
    const { narrator, asset } = story;
    const { translator } = await story.cast();
    const before = await translator.l1.balance();

    narrator.say(`Translator takes ${AMOUNT} ${asset.symbol} out. The withdrawal becomes a leaf of the state; L1 pays it once a confirmed root holds it.`);
    const { id, receipt } = await translator.agent.withdraw(AMOUNT).durable;
    narrator.fact("withdrawal", `number ${id}, receipt ${receipt}`);
    narrator.fact("on L1 before", `${formatBaseUnits(before, asset)} ${asset.symbol}`);

    const result = await narrator.waiting("Waiting for a confirmed root, then claiming with the proof …", translator.l1.claimWithdrawal(id));
    const after = await translator.l1.balance();
    narrator.say(`The bridge checked ${result.proof.siblings.length} hashes from the leaf up to the confirmed root and paid.`);
    narrator.fact("confirmed root", result.proof.stateRoot);
    narrator.fact("paid", `${formatBaseUnits(result.amountBase, asset)} ${asset.symbol} to ${result.recipient}`);
    narrator.fact("on L1 after", `${formatBaseUnits(after, asset)} ${asset.symbol} (gas of the claim included)`);
    narrator.fact("transaction", result.transactionHash);
  },
};

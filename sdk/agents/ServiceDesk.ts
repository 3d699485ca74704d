import type { Signer } from "ethers";

import { connectProofOfService } from "../../chain/agents/proofOfService.ts";
import { REGISTRY_ABIS } from "../../chain/agents/connectRegistries.ts";
import { proofOfServiceAbi } from "../../chain/generated/abi/ProofOfService.ts";
import { contractOf } from "../economy/readEconomy.ts";
import type { Economy } from "../economy/readEconomy.ts";
import type { HttpService, Json } from "../HttpService.ts";
import { L1Sender } from "../L1Sender.ts";
import { sdkError } from "../SdkError.ts";
import { asJson, textField } from "../state.ts";

const POLL_MS = 500;

/** A paid call that is counted on L1. */
export interface ProvenCall {
  readonly agentId: bigint;
  /** Owner of the account that paid. */
  readonly client: string;
  readonly feeWei: bigint;
  readonly transactionHash: string;
}

/** What is proven of agents: paid calls are carried to L1, and feedback of those who paid is attached (docs/BOUNTIES.md, section 3). */
export class ServiceDesk {
  readonly #api: HttpService;
  readonly #sender: L1Sender;
  readonly #service: ReturnType<typeof connectProofOfService>;

  /**
   * @param api a replica of the chain on which the calls were made
   * @param signer an ethers signer with a provider of its L1
   */
  constructor(economy: Economy, api: HttpService, signer: Signer) {
    this.#api = api;
    this.#sender = new L1Sender(signer, [proofOfServiceAbi, ...REGISTRY_ABIS]);
    this.#service = connectProofOfService(contractOf(economy, "proofOfService"), this.#sender.signer);
  }

  /** What counts for the agent's present owner. */
  async provenOf(agentId: bigint): Promise<{ readonly calls: number; readonly clients: number; readonly score: number | undefined }> {
    const { calls, clients, weight, weightedScore } = await this.#sender.read(() => this.#service.provenOf(agentId));
    return { calls: Number(calls), clients: Number(clients), score: weight === 0n ? undefined : Number(weightedScore) / Number(weight) };
  }

  /**
   * Has a paid call counted, once a confirmed state holds its receipt; anyone may, for the fee that is burned. What the replica proves
   * is checked by the contract.
   * @param receipt number of the receipt that says that the provider was paid
   * @throws SdkError `SDK_TIMEOUT`, `SDK_INPUT` when the provider's account is linked to no agent; ChainError (`AlreadyProven`, `SelfDealing`, …)
   */
  async prove(receipt: number, timeoutMs = 120_000): Promise<ProvenCall> {
    const told = await this.#untilTold(receipt, timeoutMs);
    if (typeof told["agentId"] !== "string") throw sdkError("SDK_INPUT", "the account that answered the call is linked to no agent: agnt2 agent link", { receipt });
    const data = textField(asJson(told["transaction"]), "data");
    if (this.#service.interface.parseTransaction({ data })?.name !== "prove") throw sdkError("SDK_BAD_PROOF", "the replica's transaction does not prove a call", { receipt });
    const feeWei = await this.#sender.read(() => this.#service.proofFeeWei());
    const to = await this.#service.getAddress();
    const sent = await this.#sender.send(() => this.#sender.signer.sendTransaction({ to, data, value: feeWei }));
    const { agentId, client } = this.#sender.event(sent, this.#service.interface, "CallProven") as { agentId: bigint; client: string };
    return { agentId, client: client.toLowerCase(), feeWei, transactionHash: sent.hash };
  }

  /** The replica's proof, when a confirmed state holds the receipt. */
  async #untilTold(receipt: number, timeoutMs: number): Promise<Json> {
    for (const endMs = Date.now() + timeoutMs; ; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
      const told = await this.#api.find(`/v1/receipts/${receipt}/service`);
      if (told !== undefined) return told;
      if (Date.now() > endMs) throw sdkError("SDK_TIMEOUT", `no confirmed state holds receipt ${receipt} of a paid call after ${timeoutMs / 1000} s`, { receipt });
    }
  }

  /** Has a client's feedback count, with the weight of its proven calls; anyone may. @throws ChainError (`NoProvenCalls`, `ValueOutOfRange`, …) */
  async attach(agentId: bigint, client: string, feedbackIndex: number): Promise<string> {
    return (await this.#sender.send(() => this.#service.attachFeedback(agentId, client, feedbackIndex))).hash;
  }

  /** Takes feedback out that its author has revoked; anyone may. @throws ChainError (`FeedbackStands`, …) */
  async detach(agentId: bigint, client: string): Promise<string> {
    return (await this.#sender.send(() => this.#service.detachFeedback(agentId, client))).hash;
  }
}

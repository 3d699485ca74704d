import { isError } from "ethers";
import type { ContractTransactionReceipt, Signer, TransactionResponse } from "ethers";

import { connectExodus, ROOT_ABIS } from "../chain/connectContracts.ts";
import type { RootContracts } from "../chain/connectContracts.ts";
import { ChainError } from "../chain/ChainError.ts";
import { toChainError } from "../chain/decodeRevert.ts";
import type { Agnt2Client } from "./Agnt2Client.ts";
import { isAbsence } from "./absence.ts";
import type { Json } from "./HttpService.ts";
import { SdkError, sdkError } from "./SdkError.ts";
import { asJson, listField, numberField, textField, unitsField } from "./state.ts";
import { withGasMargin } from "./withGasMargin.ts";

const MINED_MS = 180_000;
const PAGE = 100;
const POLL_MS = 500;
const REPLICA_MS = 10 * 60_000;

/** Where the way out of a chain stands. Times in unix seconds of L1; undefined for what did not happen, or is not foreseeable. */
export interface ExodusStatus {
  readonly pendingSince: number | undefined;
  readonly declarableAt: number | undefined;
  readonly declaredAt: number | undefined;
  /** From when on everyone is paid; set by `finalise`. */
  readonly payableAt: number | undefined;
}

/** Something that the last confirmed state owes. */
export interface OwedItem {
  readonly what: string;
  readonly kind: number;
  readonly index: number;
  readonly to: string;
  readonly units: number;
  /** Calldata for Exodus. */
  readonly data: string;
}

export type PaidItem = OwedItem & { readonly transactionHash: string | undefined };

/** The way out of a chain that stands still: needs L1 and a replica, best one's own, and nobody else. */
export class ExitDesk {
  readonly #client: Agnt2Client;
  readonly #signer: Signer;
  readonly #exodus: RootContracts["exodus"];

  private constructor(client: Agnt2Client, signer: Signer, exodus: RootContracts["exodus"]) {
    [this.#client, this.#signer, this.#exodus] = [client, signer, exodus];
  }

  /**
   * @param signer an ethers signer with a provider of the chain's L1
   * @throws SdkError `SDK_INPUT` when nothing says where the contract is
   */
  static async connect(client: Agnt2Client, signer: Signer): Promise<ExitDesk> {
    const { exodus } = (await client.config()).contracts;
    if (exodus === undefined) throw sdkError("SDK_INPUT", "the chain's Exodus contract is not known: name the deployment");
    const paying = withGasMargin(signer);
    return new ExitDesk(client, paying, connectExodus(exodus, paying));
  }

  async status(): Promise<ExodusStatus> {
    const exodus = this.#exodus;
    const times = await this.#read(() => Promise.all([exodus.pendingSince(), exodus.declarableAt(), exodus.declaredAt(), exodus.payableAt()]));
    const [pendingSince, declarableAt, declaredAt, payableAt] = times.map((time) => (time === 0n ? undefined : Number(time)));
    return { pendingSince, declarableAt, declaredAt, payableAt };
  }

  /** Declares the chain dead, for good. @throws ChainError (`NothingPending`, `TooEarly`, …) */
  async declare(): Promise<string> {
    return (await this.#send(() => this.#exodus.declare())).hash;
  }

  /** Fixes the state that everyone is paid from. @throws ChainError (`RoundOpen`, …) */
  async finalise(): Promise<string> {
    return (await this.#send(() => this.#exodus.finalise())).hash;
  }

  /** What is owed, to one address or to everyone; waits while the replica makes the state again. */
  async owed(to?: string): Promise<OwedItem[]> {
    const items: OwedItem[] = [];
    for (let from: unknown = 0; from !== undefined; ) {
      const page = await this.#ask(`/v1/exits?from=${Number(from)}&limit=${PAGE}${to === undefined ? "" : `&to=${to}`}`);
      for (const each of listField(page, "items").map(asJson)) {
        const data = textField(asJson(each["transaction"]), "data");
        items.push({ what: textField(each, "what"), kind: numberField(each, "kind"), index: numberField(each, "index"), to: textField(each, "to"), units: unitsField(each, "amount"), data });
      }
      from = page["next"];
    }
    return items;
  }

  /** Has each item paid; what was paid before has no transaction. @throws ChainError (`NotFinalised`, `PayoutDelayed`, …) */
  async pay(items: readonly OwedItem[]): Promise<PaidItem[]> {
    const to = await this.#exodus.getAddress();
    const paid: PaidItem[] = [];
    // Counted here: providers keep answers for a moment, and would name a nonce that is used by then.
    let nonce = await this.#read(() => this.#signer.getNonce("pending"));
    for (const item of items) {
      try {
        const { hash } = await this.#send(() => this.#signer.sendTransaction({ to, data: item.data, nonce }));
        nonce += 1;
        paid.push({ ...item, transactionHash: hash });
      } catch (error) {
        if (!(error instanceof ChainError) || !["AlreadyPaid", "AlreadyWithdrawn"].includes(String(error.values["contractError"]))) throw error;
        paid.push({ ...item, transactionHash: undefined });
      }
    }
    return paid;
  }

  async #ask(path: string): Promise<Json> {
    for (const end = Date.now() + REPLICA_MS; ; ) {
      try {
        return await this.#client.api.get(path);
      } catch (error) {
        if (!isAbsence(error) || Date.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  async #read<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw error instanceof SdkError ? error : toChainError(error, ROOT_ABIS);
    }
  }

  async #send(send: () => Promise<TransactionResponse>): Promise<ContractTransactionReceipt> {
    return this.#read(async () => {
      const sent = await send();
      const receipt = (await sent.wait(1, MINED_MS).catch((error: unknown) => (isError(error, "TIMEOUT") ? null : Promise.reject(error as Error)))) as ContractTransactionReceipt | null;
      if (receipt === null) throw sdkError("SDK_TIMEOUT", `the transaction ${sent.hash} is not mined after ${MINED_MS / 1000} s; it may still be`, { transactionHash: sent.hash });
      return receipt;
    });
  }
}

import { expect } from "chai";
import { AbstractSigner, Wallet, toBeHex } from "ethers";
import type { ContractTransactionResponse, Provider, Signer, TransactionRequest, TransactionResponse } from "ethers";

import { L1Sender } from "../../sdk/L1Sender.ts";
import { withGasMargin } from "../../sdk/withGasMargin.ts";
import { createL1Scene } from "../builders/rollupContracts.ts";
import type { L1Scene } from "../builders/rollupContracts.ts";
import { submitBatch } from "../builders/submitBatch.ts";

const SLOT_SECONDS = 100;
const BASE_GAS = 21_000n;

/** An account for which time goes on between each estimate and its block. */
class SlowSigner extends AbstractSigner {
  readonly #inner: Signer;
  readonly #afterEstimate: () => Promise<void>;

  constructor(inner: Signer, afterEstimate: () => Promise<void>) {
    super(inner.provider!);
    [this.#inner, this.#afterEstimate] = [inner, afterEstimate];
  }

  override async estimateGas(request: TransactionRequest): Promise<bigint> {
    const gas = await this.#inner.estimateGas(request);
    await this.#afterEstimate();
    return gas;
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    return await this.#inner.sendTransaction({ ...request, gasLimit: request.gasLimit ?? (await this.estimateGas(request)) });
  }

  override connect(provider: Provider | null): Signer {
    return new SlowSigner(this.#inner.connect(provider), this.#afterEstimate);
  }

  override getAddress = (): Promise<string> => this.#inner.getAddress();
  override signTransaction = (request: TransactionRequest): Promise<string> => this.#inner.signTransaction(request);
  override signMessage = (message: string | Uint8Array): Promise<string> => this.#inner.signMessage(message);
  override signTypedData = (...args: Parameters<Signer["signTypedData"]>): Promise<string> => this.#inner.signTypedData(...args);
}

describe("withGasMargin", () => {
  let l1: L1Scene;
  let signer: Signer;

  before(async () => {
    l1 = await createL1Scene();
    signer = l1.signers[0]!;
  });
  after(() => l1.close());

  it("offers a quarter more than the estimate when nothing is named", async () => {
    const request = { to: l1.signers[1]!.address, value: 1n };
    const estimate = await signer.estimateGas(request);
    const sent = await withGasMargin(signer).sendTransaction(request);
    expect(Number(sent.gasLimit)).to.be.within(Number((estimate * 5n) / 4n) - 999, Number((estimate * 5n) / 4n));
    expect((await sent.wait())!.gasUsed).to.equal(BASE_GAS);
  });

  it("keeps the gas that the caller names", async () => {
    const sent = await withGasMargin(signer).sendTransaction({ to: l1.signers[1]!.address, value: 1n, gasLimit: 40_000n });
    expect(sent.gasLimit).to.equal(40_000n);
  });

  it("never makes the same transaction twice, so that two processes with one nonce notice", async () => {
    const gas = await Promise.all(Array.from({ length: 8 }, async () => (await withGasMargin(signer).sendTransaction({ to: l1.signers[1]!.address, value: 1n })).gasLimit));
    expect(new Set(gas).size).to.be.greaterThan(1);
  });

  it("wraps a signer once", () => {
    const paying = withGasMargin(signer);
    expect(withGasMargin(paying) === paying).to.equal(true);
  });

  it("brings enough for a batch whose slot begins between the estimate and the block", async () => {
    const { sequencerSet, inbox } = await l1.createRollup({ operatorBondWei: 1_000n, slotSeconds: SLOT_SECONDS });
    await sequencerSet.join(new Wallet(toBeHex(11, 32)).address, { value: 1_000n });
    let time = (Math.floor((await l1.now()) / SLOT_SECONDS) + 2) * SLOT_SECONDS;
    const post = async (by: Signer): Promise<ContractTransactionResponse> => submitBatch(inbox.connect(by), time, 0n, "0x");
    const nextSlot = async (): Promise<void> => l1.setNextTime((time += SLOT_SECONDS));
    const inOldSlot = async (): Promise<void> => {
      await nextSlot();
      await post(signer);
      await l1.setNextTime(time + 1);
    };
    const slow = new SlowSigner(signer, nextSlot);

    await inOldSlot();
    const bare = await post(slow).then((sent) => sent.wait()).then(() => "mined", (error: { code?: string }) => error.code ?? String(error));
    expect(bare).not.to.equal("mined");
    await inOldSlot();
    const sender = new L1Sender(slow, [inbox.interface.fragments]);
    expect((await sender.send(() => post(sender.signer))).status).to.equal(1);
  });
});

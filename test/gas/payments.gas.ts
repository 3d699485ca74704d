import { Signature, toBeHex, zeroPadValue } from "ethers";
import type { ContractTransactionResponse } from "ethers";
import hre from "hardhat";

import type { TestDollar } from "../../typechain-types/index.ts";
import { dollarDomain, signDollar } from "../builders/dollarSigning.ts";
import type { DollarMessage } from "../builders/dollarSigning.ts";

/** The time at which every run begins, since zero bytes of a call cost less. */
const BEGINNING = 4_000_000_000;
const PRICE = 0x0123_4567n;
const nonceOf = (index: number): string => zeroPadValue(toBeHex(2n ** 255n + BigInt(index)), 32).replaceAll("00", "11");

/** Gas of payments by signature (EIP-3009), between accounts that have held the token before. */
export async function measureGas(): Promise<Record<string, number>> {
  const connection = await hre.network.create();
  try {
    await connection.networkHelpers.time.setNextBlockTimestamp(BEGINNING);
    const [sender, payer, payee] = await connection.ethers.getSigners();
    const dollar = (await connection.ethers.deployContract("TestDollar")) as unknown as TestDollar;
    const domain = dollarDomain(await dollar.getAddress(), 31337);
    for (const account of [payer!, payee!]) await dollar.mint(account.address, 100n * PRICE);
    const figures: Record<string, number> = {};
    const measure = async (name: string, sent: Promise<ContractTransactionResponse>): Promise<void> => {
      figures[`TestDollar.${name}`] = Number((await (await sent).wait())!.gasUsed);
    };
    const signed = async (message: DollarMessage, index: number) => {
      const value = { from: payer!.address, to: payee!.address, value: PRICE, validAfter: BEGINNING - 600, validBefore: BEGINNING + 600, nonce: nonceOf(index) };
      const signature = await signDollar(payer!, domain, message, value);
      return { values: [value.from, value.to, value.value, value.validAfter, value.validBefore, value.nonce] as const, signature: Signature.from(signature) };
    };
    const first = await signed("TransferWithAuthorization", 1);
    await measure(
      "transferWithAuthorization (v, r, s)",
      dollar["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)"](...first.values, first.signature.v, first.signature.r, first.signature.s),
    );
    const second = await signed("TransferWithAuthorization", 2);
    await measure("transferWithAuthorization (bytes)", dollar["transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"](...second.values, second.signature.serialized));
    const third = await signed("ReceiveWithAuthorization", 3);
    await measure(
      "receiveWithAuthorization (bytes)",
      dollar.connect(payee!)["receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)"](...third.values, third.signature.serialized),
    );
    const cancelled = await signDollar(payer!, domain, "CancelAuthorization", { authorizer: payer!.address, nonce: nonceOf(4) });
    await measure("cancelAuthorization (bytes)", dollar.connect(sender!)["cancelAuthorization(address,bytes32,bytes)"](payer!.address, nonceOf(4), cancelled));
    return figures;
  } finally {
    await connection.close();
  }
}

import { Transaction, TypedDataEncoder, getAddress, isAddress, verifyTypedData } from "ethers";

import { toError } from "../errors/CodedError.ts";
import { redactUrl } from "../logger/redact.ts";
import { KeystoreError } from "./KeystoreError.ts";
import type { KeySigner, TransactionToSign, TypedData } from "./KeySigner.ts";

const TIMEOUT_MS = 30_000;

interface RpcAnswer {
  readonly result?: unknown;
  readonly error?: { readonly message?: string };
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  let answer: RpcAnswer;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = (await response.json()) as RpcAnswer;
  } catch (error) {
    throw new KeystoreError("keystore/external", { method }, "retry", {
      what: "The external signer does not answer",
      why: redactUrl(toError(error).message),
      todo: "Check that it runs and its URL is right",
    }, { cause: error });
  }
  if (answer.error !== undefined) {
    throw new KeystoreError("keystore/externalRefused", { method }, "reject", { what: `The external signer refused ${method}`, why: answer.error.message ?? "", todo: "Check its rules" });
  }
  return answer.result;
}

function badAnswer(method: string, why: string): KeystoreError {
  return new KeystoreError("keystore/externalAnswer", { method }, "stop", {
    what: `The external signer gave a wrong answer to ${method}`,
    why,
    todo: "Check that it holds the key of this address",
  });
}

/**
 * A key held by another program (Clef, Web3Signer, a KMS proxy) that speaks `eth_signTypedData_v4` and
 * `eth_signTransaction`. What comes back is checked against the address and against what was asked for.
 * @param address required when the signer holds more than one
 * @throws KeystoreError `keystore/external` (retry), `keystore/externalRefused`, `keystore/externalAnswer`
 */
export async function createExternalSigner(url: string, address?: string): Promise<KeySigner> {
  const accounts = await call(url, "eth_accounts", []);
  if (!Array.isArray(accounts) || !accounts.every((each) => isAddress(each))) throw badAnswer("eth_accounts", "It is no list of addresses");
  const held = accounts.map((each) => getAddress(each as string));
  const mine = address === undefined ? held[0] : getAddress(address);
  if (mine === undefined || !held.includes(mine)) throw badAnswer("eth_accounts", `It does not hold ${mine ?? "any key"}`);
  if (address === undefined && held.length > 1) throw badAnswer("eth_accounts", `It holds ${held.length} keys, and none was chosen`);

  return {
    kind: "external",
    address: mine,
    async signTypedData(data: TypedData) {
      const { EIP712Domain: _domain, ...messageTypes } = data.types;
      const types = messageTypes as Parameters<typeof TypedDataEncoder.getPayload>[1];
      const payload: unknown = TypedDataEncoder.getPayload(data.domain, types, data.message);
      const signature = await call(url, "eth_signTypedData_v4", [mine, JSON.stringify(payload)]);
      let signer: string;
      try {
        signer = verifyTypedData(data.domain, types, data.message, signature as string);
      } catch (error) {
        throw badAnswer("eth_signTypedData_v4", toError(error).message);
      }
      if (signer !== mine) throw badAnswer("eth_signTypedData_v4", `It was signed by ${signer}, not by ${mine}`);
      return signature as string;
    },
    async signTransaction(transaction: TransactionToSign) {
      const result = await call(url, "eth_signTransaction", [{ from: mine, ...transaction }]);
      // Clef and geth answer { raw, tx }, others the raw transaction alone.
      const raw = typeof result === "object" && result !== null && "raw" in result ? result.raw : result;
      let signed: Transaction;
      try {
        signed = Transaction.from(raw as string);
      } catch (error) {
        throw badAnswer("eth_signTransaction", toError(error).message);
      }
      const { gas, nonce, ...rest } = transaction;
      const wanted = Transaction.from({ ...rest, type: signed.type, gasLimit: gas, nonce: Number(nonce) });
      if (signed.from !== mine) throw badAnswer("eth_signTransaction", `It was signed by ${signed.from}, not by ${mine}`);
      if (signed.unsignedSerialized !== wanted.unsignedSerialized) throw badAnswer("eth_signTransaction", "It signed another transaction than the one it was given");
      return raw as string;
    },
  };
}

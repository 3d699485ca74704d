import { readFile } from "node:fs/promises";

import { JsonRpcProvider, Wallet } from "ethers";
import type { Provider, Signer } from "ethers";

import { fromHex } from "../../core/codec/hex.ts";
import { createLocalSigner } from "./channels/signing/ChannelSigner.ts";
import type { ChannelSigner } from "./channels/signing/ChannelSigner.ts";
import { createKeySigner, createTypedDataSigner } from "../BundleSigner.ts";
import type { BundleSigner } from "../BundleSigner.ts";
import { sdkError } from "../SdkError.ts";
import { openKeystore } from "./keystore.ts";

/** The only chain that plain keys are for. */
export const LOCAL_CHAIN_ID = 31337;

/** Where the key is: an encrypted file, a signing service, or, on the local chain only, the key itself. */
export type KeySource =
  | { readonly kind: "keystore"; readonly file: string; readonly password: string }
  | { readonly kind: "external"; readonly url: string; readonly address?: string }
  | { readonly kind: "plain"; readonly key: string };

export interface LoadedSigner {
  readonly bundleSigner: BundleSigner;
  /** The same key as an L1 account. With an external signer, that signer has to be an L1 endpoint as well. */
  connectL1(provider: Provider): Signer;
  /** For what is signed in channels, thousands of times a second; undefined with an external signer. */
  readonly channelSigner: ChannelSigner | undefined;
}

/**
 * Opens a key.
 * @throws SdkError `SDK_KEYSTORE`, `SDK_PLAIN_KEY`, `SDK_SIGNER`
 */
export async function loadSigner(source: KeySource, chainId: number): Promise<LoadedSigner> {
  if (source.kind === "external") {
    try {
      const remote = await new JsonRpcProvider(source.url, undefined, { staticNetwork: true }).getSigner(source.address ?? 0);
      return { bundleSigner: await createTypedDataSigner(remote), connectL1: () => remote, channelSigner: undefined };
    } catch (error) {
      throw sdkError("SDK_SIGNER", `${source.url}: ${error instanceof Error ? error.message : String(error)}`, { url: source.url }, error);
    }
  }
  if (source.kind === "plain" && chainId !== LOCAL_CHAIN_ID) throw sdkError("SDK_PLAIN_KEY", `this chain's L1 has id ${chainId}`, { chainId });
  const key = source.kind === "plain" ? source.key : await openKeystore(source.file, source.password);
  return { bundleSigner: createKeySigner(key), connectL1: (provider) => new Wallet(key, provider), channelSigner: createLocalSigner(fromHex(key, 32)) };
}

/** The first line of a password file. @throws SdkError `SDK_KEYSTORE` */
export async function readPasswordFile(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).split(/\r?\n/, 1)[0]!;
  } catch (error) {
    throw sdkError("SDK_KEYSTORE", `the password file: ${error instanceof Error ? error.message : String(error)}`, { file }, error);
  }
}

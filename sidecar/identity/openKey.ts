import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";

import { Wallet, getBytes } from "ethers";
import type { Provider, Signer } from "ethers";

import { signDigest } from "../../runtime/crypto/secp.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import { createExternalSigner } from "../../runtime/keystore/createExternalSigner.ts";
import { createKeySigner, createTypedDataSigner } from "../../sdk/BundleSigner.ts";
import type { BundleSigner } from "../../sdk/BundleSigner.ts";
import { createLocalSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import type { ChannelSigner } from "../../sdk/node/channels/signing/ChannelSigner.ts";
import { createKeystore, openKeystore } from "../../sdk/node/keystore.ts";
import { LOCAL_CHAIN_ID, readPasswordFile } from "../../sdk/node/loadSigner.ts";
import { sdkError } from "../../sdk/SdkError.ts";
import type { SidecarSettings } from "../config.ts";
import { ExternalAccount } from "./ExternalAccount.ts";
import { IdentityError } from "./IdentityError.ts";

const OWNER_ONLY = 0o600;

/** The agent's own key, wherever it is. */
export interface OwnKey {
  /** Lower case. */
  readonly address: string;
  readonly kind: "keystore" | "external" | "plain";
  readonly bundleSigner: BundleSigner;
  /** Undefined with an external signer: channels are signed thousands of times a second. */
  readonly channelSigner: ChannelSigner | undefined;
  /** Undefined with an external signer. */
  readonly privateKey: string | undefined;
  connectL1(provider: Provider): Signer;
  /** True when this start has made it. */
  readonly isNew: boolean;
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The password of what is encrypted in the data folder; made when nobody named one. @returns whether it was made now */
export async function openPassword({ dataDir, password, passwordFile }: Pick<SidecarSettings, "dataDir" | "password" | "passwordFile">, mayMake: boolean): Promise<string> {
  if (password !== undefined) return password;
  const file = passwordFile ?? join(dataDir, "password");
  if ((await sizeOf(file)) === undefined) {
    if (!mayMake) throw new IdentityError("identity/key", { file }, { why: "the keystore is there, its password file is not" });
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, `${randomBytes(24).toString("base64url")}\n`, OWNER_ONLY);
  }
  const read = await readPasswordFile(file);
  if (read === "") throw new IdentityError("identity/key", { file }, { why: "the password file is empty" });
  return read;
}

/** @throws IdentityError `identity/key`; SdkError `SDK_KEYSTORE` for a wrong password */
async function openOrMakeKeystore(settings: SidecarSettings): Promise<{ readonly key: string; readonly isNew: boolean }> {
  const file = settings.keystore ?? join(settings.dataDir, "key.json");
  const size = await sizeOf(file);
  // An empty one is what is left of a start that was ended between making the file and filling it: no key has been used yet.
  const isNew = size === undefined || size === 0;
  const password = await openPassword(settings, isNew);
  if (isNew) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    if (size === 0) await rm(file);
    await createKeystore(file, password);
    await chmod(file, OWNER_ONLY);
  }
  return { key: await openKeystore(file, password), isNew };
}

function ownKeyOf(key: string, kind: OwnKey["kind"], isNew: boolean): OwnKey {
  const bundleSigner = createKeySigner(key, signDigest);
  return { address: bundleSigner.address, kind, bundleSigner, channelSigner: createLocalSigner(getBytes(key)), privateKey: key, connectL1: (provider) => new Wallet(key, provider), isNew };
}

/**
 * Opens the agent's key: an external signer or plain key where one is named, otherwise a keystore, which is made with a new key and a
 * password file when it is not there.
 * @throws IdentityError `identity/key`; SdkError `SDK_KEYSTORE`, `SDK_PLAIN_KEY`, `SDK_INPUT`; KeystoreError for external signers
 */
export async function openKey(settings: SidecarSettings, chainId: number): Promise<OwnKey> {
  const { keystore, signer, key, account } = settings;
  if ([keystore, signer, key].filter((each) => each !== undefined).length > 1) throw sdkError("SDK_INPUT", "more than one of keystore, signer and key is named: keep one");
  if (signer !== undefined) {
    const external = new ExternalAccount(await createExternalSigner(signer, account), null);
    const bundleSigner = await createTypedDataSigner(external);
    return { address: bundleSigner.address, kind: "external", bundleSigner, channelSigner: undefined, privateKey: undefined, connectL1: (provider) => external.connect(provider), isNew: false };
  }
  if (key !== undefined) {
    if (chainId !== LOCAL_CHAIN_ID) throw sdkError("SDK_PLAIN_KEY", `this chain's L1 has id ${chainId}`, { chainId });
    return ownKeyOf(key, "plain", false);
  }
  const opened = await openOrMakeKeystore(settings);
  return ownKeyOf(opened.key, "keystore", opened.isNew);
}

/** What a file holds; undefined when it is not there. */
export async function readIfThere(file: string): Promise<string | undefined> {
  return (await sizeOf(file)) === undefined ? undefined : readFile(file, "utf8");
}

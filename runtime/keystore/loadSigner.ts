import { readFile } from "node:fs/promises";

import { decryptKeystoreJson, getBytes } from "ethers";

import { backend } from "../crypto/secp.ts";
import { toError } from "../errors/CodedError.ts";
import type { Logger } from "../logger/Logger.ts";
import { createExternalSigner } from "./createExternalSigner.ts";
import { createLocalSigner } from "./createLocalSigner.ts";
import { KeystoreError } from "./KeystoreError.ts";
import type { KeySigner, LocalKeySigner } from "./KeySigner.ts";

/** Where a key is. Exactly one of `keystoreFile`, `externalUrl` and `plainKey` is given. */
export interface SignerConfig {
  /** Encrypted JSON keystore (version 3), as ethers, geth and clef write it. */
  readonly keystoreFile?: string | undefined;
  /** File that holds its password; a line end at its end is no part of it. */
  readonly passwordFile?: string | undefined;
  /** The password itself; the file is better, since other users may read the environment of a process. */
  readonly password?: string | undefined;
  /** JSON-RPC URL of an external signer. */
  readonly externalUrl?: string | undefined;
  /** Which of its keys. */
  readonly externalAddress?: string | undefined;
  /** 32 bytes as 0x-hexadecimal text; only where `allowPlainKey` says so. */
  readonly plainKey?: string | undefined;
  /** For the local demo and tests alone. */
  readonly allowPlainKey?: boolean | undefined;
}

/**
 * Loads the key that a service signs with.
 * @throws KeystoreError
 */
export async function loadSigner(config: SignerConfig, logger: Logger): Promise<KeySigner> {
  const given = (["keystoreFile", "externalUrl", "plainKey"] as const).filter((name) => config[name] !== undefined && config[name] !== "");
  if (given.length > 1) {
    throw new KeystoreError("keystore/ambiguous", { given }, "stop", { what: `More than one key is configured: ${given.join(", ")}`, todo: "Keep one of them" });
  }
  if (given[0] === undefined) {
    throw new KeystoreError("keystore/notConfigured", {}, "stop", { what: "No signing key is configured", todo: "Name an encrypted keystore file with its password file, or an external signer" });
  }
  const signer = given[0] === "externalUrl" ? await createExternalSigner(config.externalUrl!, config.externalAddress) : await loadLocalSigner(config);
  logger.info({ address: signer.address, kind: signer.kind, ...(signer.kind === "local" ? { secp: backend } : {}) }, "the signing key is loaded");
  return signer;
}

/**
 * As {@link loadSigner}, for keys that must be in this process because they sign digests at full speed.
 * @throws KeystoreError `keystore/notConfigured` also when only an external signer is configured
 */
export async function loadLocalSigner(config: SignerConfig): Promise<LocalKeySigner> {
  if (config.keystoreFile !== undefined && config.keystoreFile !== "") return createLocalSigner(await decryptKeystore(config.keystoreFile, config));
  if (config.plainKey === undefined || config.plainKey === "") {
    throw new KeystoreError("keystore/notConfigured", {}, "stop", { what: "No local signing key is configured", todo: "Name an encrypted keystore file with its password file" });
  }
  if (config.allowPlainKey !== true) {
    throw new KeystoreError("keystore/plainKeyRefused", {}, "stop", {
      what: "A plain key is configured, and those are only for the local demo",
      todo: "Put the key into an encrypted keystore file, and fund another one if this one was ever in a file or a shell history",
    });
  }
  try {
    return createLocalSigner(getBytes(config.plainKey));
  } catch {
    // The library's message would repeat the key.
    throw badKey("the plain key");
  }
}

function badKey(source: string): KeystoreError {
  return new KeystoreError("keystore/badKey", { source }, "stop", { what: `What ${source} holds is no secp256k1 private key of 32 bytes`, todo: "Correct it" });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new KeystoreError("keystore/file", { file }, "stop", { what: `${file} cannot be read`, why: toError(error).message, todo: "Correct its path or its permissions" }, { cause: error });
  }
}

async function decryptKeystore(file: string, config: SignerConfig): Promise<Uint8Array> {
  const json = await readText(file);
  const password = config.passwordFile ? (await readText(config.passwordFile)).replace(/\r?\n$/, "") : config.password;
  if (password === undefined || password === "") {
    throw new KeystoreError("keystore/password", { file }, "stop", { what: `The keystore ${file} has no password configured`, todo: "Name its password file" });
  }
  let key: string;
  try {
    ({ privateKey: key } = await decryptKeystoreJson(json, password));
  } catch (error) {
    // Named by the kind alone: the messages of the library may quote what it was given.
    const isPassword = toError(error).message.includes("incorrect password");
    if (isPassword) throw new KeystoreError("keystore/password", { file }, "stop", { what: `The password does not open the keystore ${file}`, todo: "Correct the password or the file" });
    throw new KeystoreError("keystore/file", { file }, "stop", { what: `${file} is no encrypted keystore of version 3`, todo: "Make one, for example with geth account new" });
  }
  return getBytes(key);
}

import { readFile, rename, writeFile } from "node:fs/promises";

import { decryptKeystoreJson, encryptKeystoreJson, Wallet } from "ethers";

import { sdkError } from "../SdkError.ts";

const OWNER_ONLY = 0o600;
/** Work factor of scrypt: about a second, and 128 MiB, for every guess at the password. */
const SCRYPT = { N: 131072, r: 8, p: 1 };
const MIN_PASSWORD_LENGTH = 8;

/**
 * Writes a key, encrypted with a password, to a new file that only its owner can read (Web3 Secret Storage, which other wallets open too).
 * @param key default: a new random one
 * @throws SdkError `SDK_INPUT` for a short password, `SDK_KEYSTORE` when the file is there or cannot be written
 */
export async function createKeystore(file: string, password: string, key?: string): Promise<{ address: string }> {
  if (password.length < MIN_PASSWORD_LENGTH) throw sdkError("SDK_INPUT", `the password needs at least ${MIN_PASSWORD_LENGTH} characters`);
  const wallet = key === undefined ? Wallet.createRandom() : new Wallet(key);
  const text = await encryptKeystoreJson({ address: wallet.address, privateKey: wallet.privateKey }, password, { scrypt: SCRYPT });
  const draft = `${file}.new`;
  try {
    // Fails when the file is there: a key is never written over.
    await writeFile(file, "", { flag: "wx", mode: OWNER_ONLY });
    await writeFile(draft, `${text}\n`, { mode: OWNER_ONLY, flush: true });
    await rename(draft, file);
  } catch (error) {
    throw sdkError("SDK_KEYSTORE", error instanceof Error ? error.message : String(error), { file }, error);
  }
  return { address: wallet.address.toLowerCase() };
}

/**
 * The key in a keystore file, as hex.
 * @throws SdkError `SDK_KEYSTORE`
 */
export async function openKeystore(file: string, password: string): Promise<string> {
  try {
    return (await decryptKeystoreJson(await readFile(file, "utf8"), password)).privateKey;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const why = /incorrect password/.test(text) ? "the password is wrong" : text;
    throw sdkError("SDK_KEYSTORE", why, { file }, error);
  }
}

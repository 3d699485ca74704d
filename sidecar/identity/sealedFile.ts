import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";

import { z } from "zod";

import { toError } from "../../runtime/errors/CodedError.ts";
import { writeFileAtomic } from "../../runtime/files/writeFileAtomic.ts";
import { IdentityError } from "./IdentityError.ts";
import { readIfThere } from "./openKey.ts";

const OWNER_ONLY = 0o600;
const SALT_BYTES = 16;
const IV_BYTES = 12;
const KEY_BYTES = 32;
/** 32 MiB and some 60 ms for every guess: the password is long where the sidecar made it. */
const SCRYPT = { N: 32_768, r: 8, p: 1, maxmem: 64 << 20 };

const hex = z.string().regex(/^([0-9a-f]{2})+$/);
const shape = z.strictObject({ version: z.literal(1), kdf: z.literal("scrypt-32768-8-1"), cipher: z.literal("aes-256-gcm"), salt: hex, iv: hex, tag: hex, text: hex });

const derive = promisify<string, Buffer, number, typeof SCRYPT, Buffer>(scrypt);

/** Writes a text encrypted with a password, whole or not at all. */
export async function writeSealedFile(file: string, text: string, password: string): Promise<void> {
  const [salt, iv] = [randomBytes(SALT_BYTES), randomBytes(IV_BYTES)];
  const cipher = createCipheriv("aes-256-gcm", await derive(password, salt, KEY_BYTES, SCRYPT), iv);
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  const content = { version: 1, kdf: "scrypt-32768-8-1", cipher: "aes-256-gcm", salt: salt.toString("hex"), iv: iv.toString("hex"), tag: cipher.getAuthTag().toString("hex"), text: sealed.toString("hex") };
  await writeFileAtomic(file, `${JSON.stringify(content)}\n`, OWNER_ONLY);
}

/** @returns undefined when the file is not there @throws IdentityError `identity/key` for another password or a broken file */
export async function readSealedFile(file: string, password: string): Promise<string | undefined> {
  const content = await readIfThere(file);
  if (content === undefined) return undefined;
  try {
    const { salt, iv, tag, text } = shape.parse(JSON.parse(content));
    const bytes = (each: string): Buffer => Buffer.from(each, "hex");
    const decipher = createDecipheriv("aes-256-gcm", await derive(password, bytes(salt), KEY_BYTES, SCRYPT), bytes(iv)).setAuthTag(bytes(tag));
    return Buffer.concat([decipher.update(bytes(text)), decipher.final()]).toString("utf8");
  } catch (error) {
    // The library's messages say nothing that is secret, and nothing that helps.
    throw new IdentityError("identity/key", { file }, { why: "it cannot be opened with the password", cause: toError(error) });
  }
}

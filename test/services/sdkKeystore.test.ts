import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createKeystore, openKeystore } from "../../sdk/node/keystore.ts";
import { loadSigner } from "../../sdk/node/loadSigner.ts";
import { SdkError } from "../../sdk/SdkError.ts";

const KEY = `0x${"22".repeat(32)}`;

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error instanceof SdkError ? error.code : String(error);
  }
}

describe("SDK keys", () => {
  let directory: string;
  before(async () => (directory = await mkdtemp(join(tmpdir(), "agnt2-keys-"))));
  after(() => rm(directory, { recursive: true, force: true }));

  it("keystore: keeps the key unreadable and gives it back for the password only", async () => {
    const file = join(directory, "key.json");
    const { address } = await createKeystore(file, "correct horse", KEY);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(await readFile(file, "utf8")).not.to.include("22".repeat(32));
    expect(await openKeystore(file, "correct horse")).to.equal(KEY);
    expect(await codeOf(openKeystore(file, "wrong horse"))).to.equal("SDK_KEYSTORE");
    const signer = await loadSigner({ kind: "keystore", file, password: "correct horse" }, 1);
    expect(signer.bundleSigner.address).to.equal(address);
    expect(await codeOf(createKeystore(file, "correct horse"))).to.equal("SDK_KEYSTORE");
  });

  it("keystore: refuses a short password", async () => {
    expect(await codeOf(createKeystore(join(directory, "other.json"), "short"))).to.equal("SDK_INPUT");
  });

  it("plain key: is refused when the chain is not the local one", async () => {
    expect(await codeOf(loadSigner({ kind: "plain", key: KEY }, 1))).to.equal("SDK_PLAIN_KEY");
    expect((await loadSigner({ kind: "plain", key: KEY }, 31337)).bundleSigner.address).to.match(/^0x[0-9a-f]{40}$/);
  });
});

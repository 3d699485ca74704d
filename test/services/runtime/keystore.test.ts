import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";

import { expect } from "chai";
import { Transaction, Wallet, encryptKeystoreJson, getBytes, hexlify, id, verifyTypedData } from "ethers";

import { recoverAddress } from "../../../runtime/crypto/secp.ts";
import { loadLocalSigner, loadSigner } from "../../../runtime/keystore/loadSigner.ts";
import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { rejection } from "./rejection.ts";
import { tempFolder } from "./tempFolder.ts";

const wallet = new Wallet(id("a key for tests"));
const stranger = new Wallet(id("another key for tests"));
const typedData = {
  domain: { name: "agnt2", chainId: 31337 },
  types: { Claim: [{ name: "epoch", type: "uint64" }] },
  primaryType: "Claim",
  message: { epoch: "7" },
};
const transaction = {
  chainId: "0x7a69",
  nonce: "0x3",
  gas: "0x5208",
  to: "0x00000000000000000000000000000000000000aa",
  value: "0x10",
  maxFeePerGas: "0x77359400",
  maxPriorityFeePerGas: "0x1",
};

describe("keystore", () => {
  let folder: ReturnType<typeof tempFolder>;
  let keystoreFile: string;
  let passwordFile: string;

  before(async () => {
    folder = tempFolder();
    keystoreFile = join(folder.path, "key.json");
    passwordFile = join(folder.path, "password");
    // A weak key derivation, so that the test is quick.
    writeFileSync(keystoreFile, await encryptKeystoreJson(wallet, "open", { scrypt: { N: 2, r: 1, p: 1 } }));
    writeFileSync(passwordFile, "open\n");
  });
  after(() => folder.remove());

  it("load: opens an encrypted file when the password comes from a file or directly", async () => {
    for (const password of [{ passwordFile }, { password: "open" }]) {
      const signer = await loadSigner({ keystoreFile, ...password }, silentLogger);
      expect([signer.kind, signer.address]).to.deep.equal(["local", wallet.address]);
    }
  });

  it("load: refuses with a code and never shows the secret when something is wrong", async () => {
    const noJson = join(folder.path, "none.json");
    writeFileSync(noJson, "hunter2");
    const load = (config: Parameters<typeof loadSigner>[0]) => () => loadSigner(config, silentLogger);
    const errors = [
      await rejection("keystore/password", load({ keystoreFile, password: "hunter2" })),
      await rejection("keystore/password", load({ keystoreFile })),
      await rejection("keystore/file", load({ keystoreFile: noJson, password: "hunter2" })),
      await rejection("keystore/file", load({ keystoreFile: join(folder.path, "missing"), password: "hunter2" })),
      await rejection("keystore/notConfigured", load({})),
      await rejection("keystore/ambiguous", load({ keystoreFile, plainKey: wallet.privateKey })),
      await rejection("keystore/plainKeyRefused", load({ plainKey: wallet.privateKey })),
      await rejection("keystore/badKey", load({ plainKey: "0xhunter2", allowPlainKey: true })),
      await rejection("keystore/notConfigured", () => loadLocalSigner({ externalUrl: "http://127.0.0.1:1" })),
    ];
    for (const error of errors) expect(inspect(error, { depth: 5 })).to.not.contain("hunter2").and.not.contain(wallet.privateKey.slice(2));
  });

  it("local signer: signs digests, typed data and transactions as ethers does, and hides its key", async () => {
    const signer = await loadLocalSigner({ plainKey: wallet.privateKey, allowPlainKey: true });
    const digest = getBytes(id("digest"));
    expect(hexlify(recoverAddress(digest, signer.signDigest(digest))!)).to.equal(wallet.address.toLowerCase());
    expect(await signer.signTypedData(typedData)).to.equal(await wallet.signTypedData(typedData.domain, typedData.types, typedData.message));
    const raw = await signer.signTransaction(transaction);
    expect(Transaction.from(raw)).to.deep.include({ from: wallet.address, nonce: 3, type: 2, gasLimit: 21_000n });
    expect(inspect(signer, { depth: 5, showHidden: true })).to.not.contain(wallet.privateKey.slice(2));
  });

  describe("external signer", () => {
    let server: Server;
    let url: string;
    let key = wallet;
    let sign: (method: string, params: never[]) => Promise<unknown>;

    async function answer(method: string, params: never[]): Promise<unknown> {
      if (method === "eth_accounts") return [wallet.address.toLowerCase()];
      if (method === "eth_signTypedData_v4") {
        const { domain, types, message } = JSON.parse(params[1]!) as typeof typedData;
        return key.signTypedData(domain, { Claim: types.Claim }, message);
      }
      const { gas, from: _from, nonce, ...rest } = params[0] as typeof transaction & { from: string };
      return { raw: await key.signTransaction({ ...rest, gasLimit: gas, nonce: Number(nonce) }) };
    }

    before(async () => {
      server = createServer((request, response) => {
        void (async () => {
          const { method, params } = JSON.parse(Buffer.concat(await request.toArray()).toString()) as { method: string; params: never[] };
          const body = await sign(method, params).then((result) => ({ result }), (error: Error) => ({ error: { message: error.message } }));
          response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...body }));
        })();
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    beforeEach(() => {
      key = wallet;
      sign = answer;
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    it("sign: gives what the other program signed when it is right", async () => {
      const signer = await loadSigner({ externalUrl: url }, silentLogger);
      expect([signer.kind, signer.address]).to.deep.equal(["external", wallet.address]);
      const signature = await signer.signTypedData(typedData);
      expect(verifyTypedData(typedData.domain, typedData.types, typedData.message, signature)).to.equal(wallet.address);
      expect(Transaction.from(await signer.signTransaction(transaction)).from).to.equal(wallet.address);
    });

    it("sign: is refused when the answer comes from another key or changes the transaction", async () => {
      const signer = await loadSigner({ externalUrl: url, externalAddress: wallet.address }, silentLogger);
      sign = (method, params) => answer(method, method === "eth_signTransaction" ? [{ ...(params[0] as object), value: "0x11" } as never] : params);
      await rejection("keystore/externalAnswer", () => signer.signTransaction(transaction));
      key = stranger;
      await rejection("keystore/externalAnswer", () => signer.signTransaction(transaction));
      await rejection("keystore/externalAnswer", () => signer.signTypedData(typedData));
      sign = () => Promise.resolve("nonsense");
      await rejection("keystore/externalAnswer", () => signer.signTypedData(typedData));
      await rejection("keystore/externalAnswer", () => signer.signTransaction(transaction));
      sign = () => Promise.reject(new Error("not allowed"));
      await rejection("keystore/externalRefused", () => signer.signTypedData(typedData));
    });

    it("load: fails when the signer is away or does not hold the key", async () => {
      await rejection("keystore/externalAnswer", () => loadSigner({ externalUrl: url, externalAddress: stranger.address }, silentLogger));
      sign = () => Promise.resolve([wallet.address, stranger.address]);
      await rejection("keystore/externalAnswer", () => loadSigner({ externalUrl: url }, silentLogger));
      const error = await rejection("keystore/external", () => loadSigner({ externalUrl: "http://127.0.0.1:1" }, silentLogger));
      expect(error.reaction).to.equal("retry");
    });
  });
});

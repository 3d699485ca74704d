import { expect } from "chai";

import { createLogger } from "../../../runtime/logger/createLogger.ts";
import { isSecretName, redact, redactUrl } from "../../../runtime/logger/redact.ts";

function capture(options: { level?: "debug" | "info"; isTTY?: boolean } = {}) {
  const lines: string[] = [];
  const output = { isTTY: options.isTTY ?? false, write: (line: string) => lines.push(line) };
  return { lines, logger: createLogger({ service: "shop", level: options.level ?? "info", output }) };
}

describe("logger", () => {
  it("JSON: has level, time, service, fields and message when nobody is watching", () => {
    const { lines, logger } = capture();
    logger.child({ chain: 7 }).info({ count: 3n }, "sealed");
    const line = JSON.parse(lines[0]!) as Record<string, unknown>;
    expect(line).to.include({ level: "info", service: "shop", chain: 7, count: "3", msg: "sealed" });
    expect(line["time"]).to.match(/^\d{4}-\d\d-\d\dT/);
  });

  it("plain form: is one readable line when a terminal is there", () => {
    const { lines, logger } = capture({ isTTY: true });
    logger.info({ batch: 4, by: "me too" }, "sealed");
    expect(lines[0]).to.match(/^\d\d:\d\d:\d\d shop: sealed batch=4 by="me too"\n$/);
    logger.error({ err: new Error("lost at redis://u:hunter2@h") }, "failed");
    expect(lines[1]).to.contain("ERROR shop: failed").and.to.contain("Error: lost at redis://***@h").and.not.to.contain("hunter2");
  });

  it("level: leaves out what is below it when set", () => {
    const { lines, logger } = capture();
    logger.debug("small");
    expect(lines).to.deep.equal([]);
  });

  it("secrets: never appear when they hide in names, depths, URLs, errors or children", () => {
    const { lines, logger } = capture();
    const secret = "hunter2";
    const error = Object.assign(new Error(`at https://u:${secret}@h/?apikey=${secret}&x=1`), { payload: { password: secret } });
    logger.child({ apiKey: secret }).warn({ a: { b: [{ mnemonic: secret }] }, authToken: secret, url: `postgres://u:${secret}@h/d`, err: error }, `x redis://:${secret}@h`);
    logger.error(error, "again");
    logger.error(error as unknown as string);
    expect(lines).to.have.length(3);
    expect(lines.join("")).to.contain("x=1").and.not.to.contain(secret);
  });

  it("redact: keeps public things when their names only sound secret", () => {
    expect(["privateKey", "SIGNING_KEY", "keyPassword", "client_secret", "accessToken"].every(isSecretName)).to.equal(true);
    expect(["publicKey", "sessionKeyExpiry", "tokenAddress", "keyId", "count"].some(isSecretName)).to.equal(false);
    expect(redact({ bytes: new Uint8Array(3), list: new Set([1]) })).to.deep.equal({ bytes: "[3 bytes]", list: [1] });
    expect(redactUrl("mail me@home at http://h/p")).to.equal("mail me@home at http://h/p");
  });
});

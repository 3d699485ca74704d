import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

import type { ConfigErrors } from "../../../runtime/config/ConfigError.ts";
import { defineConfig } from "../../../runtime/config/defineConfig.ts";
import { loadConfig } from "../../../runtime/config/loadConfig.ts";
import { durationMs, flag, hex, integer, list, oneOf, port, text, url } from "../../../runtime/config/parsers.ts";
import { configMarkdown, printConfig } from "../../../runtime/config/printConfig.ts";
import { rejection } from "./rejection.ts";
import { tempFolder } from "./tempFolder.ts";

const table = defineConfig({
  port: { env: "SHOP_PORT", parser: port, default: 8080, description: "Port of the API" },
  queueUrl: { env: "SHOP_QUEUE_URL", parser: url("redis", "postgres"), default: undefined, description: "Queue; empty for the embedded one" },
  apiKey: { env: "SHOP_API_KEY", parser: text, description: "Key of the API", secret: true },
  maxWait: { env: "SHOP_MAX_WAIT", parser: durationMs, default: 5000, description: "How long a request may wait" },
  verbose: { env: "SHOP_VERBOSE", parser: flag, default: false, description: "Say more" },
  mode: { env: "SHOP_MODE", parser: oneOf("fast", "slow"), default: "fast", description: "How" },
  peers: { env: "SHOP_PEERS", parser: list(integer(1, 9)), default: [], description: "Whom to ask" },
});

describe("config", () => {
  it("load: takes flag, then environment, then file, then default when several are given", () => {
    const folder = tempFolder();
    try {
      const file = join(folder.path, "config.json");
      writeFileSync(file, JSON.stringify({ port: 1, maxWait: "1s", mode: "slow", peers: [1, 2], verbose: true }));
      const env = { SHOP_PORT: "2", SHOP_API_KEY: "k", SHOP_MAX_WAIT: "2s", SHOP_QUEUE_URL: "" };
      const config = loadConfig(table, { env, file, flags: ["--port=3", "--no-verbose"] });
      expect(config).to.deep.equal({ port: 3, queueUrl: undefined, apiKey: "k", maxWait: 2000, verbose: false, mode: "slow", peers: [1, 2] });
    } finally {
      folder.remove();
    }
  });

  it("load: lists all problems at once, without the values, when several settings are wrong", async () => {
    const env = { SHOP_PORT: "70000", SHOP_QUEUE_URL: "ftp://hunter2@host" };
    const error = await rejection("config/invalid", () => loadConfig(table, { env, flags: ["--mode", "odd", "--what", "--max-wait"] }));
    const { problems } = error.payload as ConfigErrors["config/invalid"];
    expect(problems.map(({ name, source }) => `${name} ${source}`)).to.deep.equal([
      "--what flag",
      "--max-wait flag",
      "port env",
      "queueUrl env",
      "apiKey missing",
      "mode flag",
    ]);
    expect(error.message).to.contain("SHOP_PORT").and.not.to.contain("hunter2");
  });

  it("load: names the file when it cannot be read or has unknown settings", async () => {
    const folder = tempFolder();
    try {
      const file = join(folder.path, "config.json");
      await rejection("config/file", () => loadConfig(table, { env: {}, file }));
      writeFileSync(file, "[]");
      await rejection("config/file", () => loadConfig(table, { env: {}, file }));
      writeFileSync(file, '{"apiKey":"k","prot":1}');
      expect((await rejection("config/invalid", () => loadConfig(table, { env: {}, file }))).message).to.contain("prot");
    } finally {
      folder.remove();
    }
  });

  it("print: shows *** when a setting is secret or an URL holds credentials", () => {
    const env = { SHOP_API_KEY: "hunter2", SHOP_QUEUE_URL: "redis://me:hunter2@host/0" };
    const printed = printConfig(table, loadConfig(table, { env }));
    expect(printed).to.not.contain("hunter2");
    expect(printed).to.match(/apiKey +\*\*\*/).and.to.contain("redis://***@host/0");
  });

  it("markdown: has one row per setting when it is made for the documentation", () => {
    const lines = configMarkdown(table).split("\n");
    expect(lines).to.have.length(2 + Object.keys(table).length);
    expect(lines[4]).to.equal("| `SHOP_API_KEY` | `--api-key` | text | required | Key of the API (secret) |");
  });

  it("parsers: refuse what is not of their kind when asked", () => {
    for (const [parse, bad] of [[integer(), "1.5"], [integer(0, 5), "6"], [flag, "maybe"], [durationMs, "5 weeks"], [hex(2), "0xabc"], [text, ""]] as const) {
      expect(() => parse(bad), bad).to.throw("expected");
    }
    expect([durationMs("1.5s"), hex(2)("0xabcd"), list(text)(" a, b "), flag("ON")]).to.deep.equal([1500, "0xabcd", ["a", "b"], true]);
  });
});

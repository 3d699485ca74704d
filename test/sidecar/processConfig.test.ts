import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { printConfig } from "../../runtime/config/printConfig.ts";
import { readSidecarConfig, sidecarSettings, sourcesOf } from "../../sidecar/config.ts";
import { rejection } from "../services/runtime/rejection.ts";

describe("sidecar configuration", () => {
  let dir: string;
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  before(() => (dir = mkdtempSync(join(tmpdir(), "agnt2-config-"))));
  after(() => rmSync(dir, { recursive: true, force: true }));

  it("flags win over the environment, that over the file, that over defaults", () => {
    const path = file("all.yaml", "port: 1\nhost: a.example\nprice: \"0.5\"\nroutes:\n  - match: GET /\n    free: true\n");
    const { settings, routes } = readSidecarConfig({ env: { SIDECAR_PORT: "2", SIDECAR_HOST: "b.example" }, flags: ["--port", "3"], file: path });
    expect(settings).to.include({ port: 3, host: "b.example", price: "0.5", quoteSeconds: 60 });
    expect(routes).to.deep.equal([{ match: "GET /", free: true }]);
  });

  it("routes: come from a file of their own too, YAML or JSON", () => {
    const path = file("routes.json", JSON.stringify({ routes: [{ match: "* /*", price: "1" }] }));
    for (const given of [{ env: {}, flags: ["--routes", path] }, { env: { SIDECAR_ROUTES: path } }, { env: {}, file: file("named.yaml", `routes: ${path}\n`) }]) {
      expect(readSidecarConfig(given).routes).to.deep.equal([{ match: "* /*", price: "1" }]);
    }
  });

  it("lists: names of agents, token prices, allowed hosts", () => {
    const { settings } = readSidecarConfig({ env: {}, flags: ["--buy-agents", "translator=12,painter=https://p.example", "--x402-price", `0x${"ab".repeat(20)}=0.01`, "--ways", "call,channel"] });
    expect(settings.buyAgents).to.deep.equal([{ name: "translator", target: "12" }, { name: "painter", target: "https://p.example" }]);
    expect(settings.x402Price).to.deep.equal([{ token: `0x${"ab".repeat(20)}`, amount: "0.01" }]);
    expect(settings.ways).to.deep.equal(["call", "channel"]);
  });

  for (const [what, flags] of [
    ["an amount with a sign", ["--price", "-1"]], ["an amount in words", ["--price", "much"]], ["an exponent", ["--price", "1e3"]],
    ["an unknown way", ["--ways", "cash"]], ["an unknown step", ["--identity", "passport"]], ["a flag that is none", ["--prize", "1"]],
    ["a port that is none", ["--port", "70000"]], ["an upstream without a scheme", ["--upstream", "localhost:8080"]], ["a name with blanks", ["--buy-agents", "my agent=1"]],
    ["a token that is none", ["--x402-price", "usdc=1"]], ["a flag without a value", ["--upstream"]],
  ] as const) {
    it(`bad input: refuses ${what}`, async () => {
      await rejection("config/invalid", () => readSidecarConfig({ env: {}, flags }));
    });
  }

  for (const [what, text] of [
    ["is no YAML", "a: [1\n"], ["holds a list", "- 1\n"], ["holds nothing", ""], ["is a bomb of aliases", "a: &a [1,1]\nb: [*a,*a]\n"],
  ] as const) {
    it(`bad input: refuses a file that ${what}`, async () => {
      await rejection("config/file", () => readSidecarConfig({ env: {}, file: file("bad.yaml", text) }));
    });
  }

  it("bad input: refuses a routes file without routes, and a setting in the file that is none", async () => {
    await rejection("config/file", () => readSidecarConfig({ env: {}, flags: ["--routes", file("empty.yaml", "port: 1\n")] }));
    await rejection("config/invalid", () => readSidecarConfig({ env: {}, file: file("typo.yaml", "prot: 1\n") }));
  });

  it("--config: names the file, in either spelling, and is no setting", () => {
    expect(sourcesOf(["--config", "a.yaml", "--port", "1"])).to.deep.include({ file: "a.yaml", flags: ["--port", "1"] });
    expect(sourcesOf(["--port", "1", "--config=b.yaml"])).to.deep.include({ file: "b.yaml", flags: ["--port", "1"] });
  });

  it("printing: shows no secret", () => {
    const { settings } = readSidecarConfig({ env: { AGNT2_PASSWORD: "hunter22", AGNT2_KEY: `0x${"11".repeat(32)}`, SIDECAR_FACILITATOR: "https://user:pw@f.example" } });
    const text = printConfig(sidecarSettings, settings);
    for (const secret of ["hunter22", "11".repeat(32), "pw@"]) expect(text).not.to.include(secret);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { OP } from "../../core/generated/protocol.ts";
import { DeployError } from "../../deploy/DeployError.ts";
import type { DeployErrorCode } from "../../deploy/DeployError.ts";
import { feesOf, loadParameters, packFees } from "../../deploy/parameters.ts";

function expectCode(code: DeployErrorCode, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).to.be.instanceOf(DeployError);
    expect((error as DeployError).code).to.equal(code);
    return;
  }
  expect.fail(`nothing was thrown instead of ${code}`);
}

describe("deploy parameters", () => {
  it("network: has its own file, and the defaults when it has none", () => {
    expect(loadParameters("localhost").windowSeconds).to.equal(6);
    expect(loadParameters("localhost").chainIds).to.deep.equal([31337, 1337]);
    expect(loadParameters("sepolia").windowSeconds).to.equal(24 * 3600);
  });

  it("overrides: win over the file", () => {
    expect(loadParameters("localhost", undefined, { windowSeconds: 9 }).windowSeconds).to.equal(9);
  });

  it("file: is rejected when it has an unknown name, a bad value, or is no JSON", () => {
    const folder = mkdtempSync(join(tmpdir(), "parameters-"));
    try {
      const bad = ['{ "windowSecond": 5 }', '{ "windowSeconds": 0 }', '{ "joinSeconds": 0 }', '{ "parts": 65 }', '{ "inclusionDelaySeconds": 15 }', '{ "sequencer": "0x12" }', '{ "bondWei": 5 }', "{"];
      for (const [index, text] of bad.entries()) {
        const path = join(folder, `${index}.json`);
        writeFileSync(path, text);
        expectCode("PARAMETERS_INVALID", () => loadParameters("localhost", path));
      }
      expectCode("PARAMETERS_INVALID", () => loadParameters("localhost", join(folder, "missing.json")));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("registries and market: are refused when they do not fit together", () => {
    const some = `0x${"12".repeat(20)}`;
    const bad = [
      { reputationRegistry: some },
      { identityRegistry: "none", validationRegistry: some, economy: "none" },
      { identityRegistry: "none" },
      { identityRegistry: "test" },
      { marketFeeBps: 100 },
      { marketFeeBps: 501, marketFeeRecipient: some },
      { maxWeight: 0 },
    ] as const;
    for (const parameters of bad) expectCode("PARAMETERS_INVALID", () => loadParameters("localhost", undefined, parameters as never));
    expect(loadParameters("localhost", undefined, { identityRegistry: some, reputationRegistry: some, marketFeeBps: 500, marketFeeRecipient: "deployer" }).validationRegistry).to.equal("deploy");
    expect(loadParameters("localhost", undefined, { identityRegistry: "none", economy: "none" }).economy).to.equal("none");
  });

  it("fees: are named by operation, and rejected for what has none", () => {
    const fees = feesOf(loadParameters("localhost", undefined, { feeTable: { default: 7, INVOKE: 11 } }));
    expect(fees).to.have.length(24);
    expect(fees[OP.INVOKE - OP.OPEN_ACCOUNT]).to.equal(11);
    expect(fees[OP.TRANSFER - OP.OPEN_ACCOUNT]).to.equal(7);
    for (const name of ["DEPOSIT", "HEADER", "NO_SUCH_THING"]) {
      expectCode("PARAMETERS_INVALID", () => loadParameters("localhost", undefined, { feeTable: { [name]: 1 } }));
    }
  });

  it("packed fees: have the first entry in the most significant bits", () => {
    const packed = packFees(Array.from({ length: 24 }, (_, i) => i + 1));
    expect(packed[0] >> 224n).to.equal(1n);
    expect(packed[0] & 0xffffffffn).to.equal(8n);
    expect(packed[2] & 0xffffffffn).to.equal(24n);
  });
});

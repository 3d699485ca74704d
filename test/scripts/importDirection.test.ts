import { expect } from "chai";
import { Linter } from "eslint";

import { importDirection } from "../../scripts/eslint/importDirection.ts";

/** Lints one line as if it stood in `file`, and returns the complaints. */
function lint(file: string, line: string): string[] {
  const linter = new Linter({ cwd: process.cwd() });
  const config = { plugins: { agnt2: { rules: { direction: importDirection } } }, rules: { "agnt2/direction": "error" } } as const;
  return linter.verify(line, [config], { filename: file }).map((message) => message.message);
}

describe("import direction", () => {
  const allowed: [string, string][] = [
    ["core/codec/record.js", 'import "../state/leaf.js";'],
    ["chain/inbox.js", 'import "ethers";'],
    ["services/api/service.js", 'import "../../derivation/replica.js";'],
    ["services/api/service.js", 'import "./config.js";'],
    ["sdk/node/wallet.js", 'import "node:fs";'],
    ["test/core/a.test.js", 'import "../../services/api/service.js";'],
  ];
  for (const [file, line] of allowed) {
    it(`${file}: may import when it reads ${line}`, () => expect(lint(file, line)).to.deep.equal([]));
  }

  const forbidden: [string, string][] = [
    ["core/codec/record.js", 'import "../../chain/inbox.js";'],
    ["core/codec/record.js", 'import "node:fs";'],
    ["core/codec/record.js", 'import "ethers";'],
    ["core/codec/record.js", 'export * from "../../runtime/clock.js";'],
    ["runtime/clock.js", 'import "../core/errors.js";'],
    ["services/api/service.js", 'import "../sequencer/service.js";'],
    ["services/api/service.js", 'await import("../sequencer/service.js");'],
    ["sdk/agent.js", 'import "node:fs";'],
    ["cli/main.js", 'import "../core/errors.js";'],
  ];
  for (const [file, line] of forbidden) {
    it(`${file}: is refused when it reads ${line}`, () => expect(lint(file, line)).to.have.length(1));
  }
});

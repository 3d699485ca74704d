import { expect } from "chai";

import type { AgentAccount } from "../../../sdk/index.ts";
import { createSessionKeyCheck } from "../../../sidecar/process/createSessionKeyCheck.ts";

describe("session key check", () => {
  const SESSION = `0x${"Ab".repeat(20)}`;
  let asked: string[];
  let troubles: Error[];
  let nowMs: number;
  let answer: () => Promise<AgentAccount | undefined>;
  const account = { session: { key: SESSION, expiry: 1, capUnits: 1 } } as AgentAccount;
  const check = (): ReturnType<typeof createSessionKeyCheck> =>
    createSessionKeyCheck({ account: (who) => (asked.push(String(who)), answer()) }, (error) => troubles.push(error), () => nowMs);

  beforeEach(() => {
    [asked, troubles, nowMs, answer] = [[], [], 0, () => Promise.resolve(account)];
  });

  it("key: is the agent's when the chain says so, in whatever letters, and is asked for once a minute", async () => {
    const isSignerOf = check();
    expect([await isSignerOf("0xa", SESSION), await isSignerOf("0xa", SESSION.toLowerCase())]).to.deep.equal([true, true]);
    expect(asked).to.have.length(1);
    nowMs = 60_001;
    expect(await isSignerOf("0xa", SESSION)).to.equal(true);
    expect(asked).to.have.length(2);
  });

  it("key: another one is asked for again, since keys are renewed", async () => {
    const isSignerOf = check();
    expect(await isSignerOf("0xa", `0x${"cd".repeat(20)}`)).to.equal(false);
    expect(await isSignerOf("0xa", SESSION)).to.equal(true);
    expect(await isSignerOf("0xa", `0x${"cd".repeat(20)}`)).to.equal(false);
    expect(asked).to.have.length(2);
  });

  it("agent without account or session, or a sequencer that is away: says no", async () => {
    for (const each of [() => Promise.resolve(undefined), () => Promise.resolve({ ...account, session: undefined }), () => Promise.reject(new Error("away"))]) {
      answer = each;
      expect(await check()("0xa", SESSION)).to.equal(false);
    }
    expect(troubles.map(({ message }) => message)).to.deep.equal(["away"]);
  });
});

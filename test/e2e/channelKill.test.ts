import { randomInt } from "node:crypto";
import { join } from "node:path";

import { expect } from "chai";

import { freePort } from "../../bench/network/freePort.ts";
import { ChannelSideProcess } from "../builders/ChannelSideProcess.ts";
import type { SideStatus } from "../builders/ChannelSideProcess.ts";
import { FAILING_EVERY, PRICE } from "../builders/channelKillPlan.ts";
import { temporaryFolder } from "../builders/loneCore.ts";
import { findDoubles } from "../builders/signedStates.ts";

/** `CHANNEL_KILLS=100` for the full run. */
const KILLS = Number(process.env.CHANNEL_KILLS ?? 8);
const PER_KILL_MS = 30_000;

describe("channel under kill -9", function () {
  this.timeout(60_000 + KILLS * PER_KILL_MS);
  let folder: ReturnType<typeof temporaryFolder>;
  let hasFailed = false;
  let sides: readonly [ChannelSideProcess, ChannelSideProcess];

  before(async () => {
    folder = temporaryFolder("channel-kill");
    const port = await freePort();
    sides = [new ChannelSideProcess(0, folder.path, port), new ChannelSideProcess(1, folder.path, port)];
  });
  after(async () => {
    await Promise.all(sides.map((side) => side.stop()));
    if (!hasFailed) folder.remove();
    else console.log(`      what both sides had is in ${folder.path}`);
  });
  afterEach(function () {
    hasFailed ||= this.currentTest?.state === "failed";
  });

  async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + PER_KILL_MS;
    while (!(await isSo())) {
      if (Date.now() > end) {
        const said = await Promise.all(sides.map(async (side) => `${JSON.stringify(await side.status())} alarms: ${side.alarms.slice(-3).join(", ")}; ${side.faults.join(", ")}`));
        throw new Error(`it never came to: ${what}\n${said.join("\n")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const answered = (): number => sides[0].results.size + sides[1].results.size;
  async function progress(): Promise<void> {
    const before = sides.map(({ results }) => results.size);
    await until("both sides get answers again", () => sides.every(({ results }, i) => results.size > before[i] + 50));
  }

  it(`either side is killed ${KILLS} times at random moments: both resume, nothing acknowledged is lost, nobody signs two states at one version, money sums`, async () => {
    for (const side of sides) side.start();
    await progress();
    for (let kill = 0; kill < KILLS; kill += 1) {
      // Now and then while it is still coming back, and now and then both at once.
      const victims = kill % 5 === 4 ? sides : [sides[randomInt(2)]];
      await new Promise((resolve) => setTimeout(resolve, randomInt(300)));
      await Promise.all(victims.map((victim) => victim.kill()));
      for (const victim of victims) victim.start();
      if (kill % 3 !== 2) await progress();
    }
    await progress();

    for (const side of sides) side.quiet();
    const statuses: SideStatus[] = [];
    await until("everything is answered", async () => {
      statuses.splice(0, 2, ...(await Promise.all(sides.map((side) => side.status()))));
      return statuses.every(({ phase, outgoing, incoming }) => phase === "open" && outgoing.openCalls + incoming.openCalls === 0 && outgoing.acked === outgoing.sequence);
    });
    const [a, b] = statuses;
    expect(sides.flatMap(({ faults }) => faults)).to.deep.equal([]);
    expect([a.version, a.frozenBy, b.frozenBy]).to.deep.equal([b.version, undefined, undefined]);
    for (const [payer, payee] of [[0, 1], [1, 0]] as const) {
      const [out, into] = [statuses[payer].outgoing, statuses[payee].incoming];
      const books = ({ sequence, paid, credit, results, callsHash, resultsHash }: typeof out): unknown => ({ sequence, paid, credit, results, callsHash, resultsHash });
      expect(books(out)).to.deep.equal(books(into));
      expect(out.results).to.equal(out.sequence);
      const failed = Math.floor(out.sequence / FAILING_EVERY);
      expect(out.paid - out.credit, "what was paid").to.equal(PRICE * (out.sequence - failed));
      // Whatever a program was told of is in the books, and nothing that is not.
      expect(Math.max(...sides[payer].results.keys())).to.be.at.most(out.sequence);
      for (const [sequence, said] of sides[payer].results) {
        expect(said.startsWith(sequence % FAILING_EVERY === 0 ? "1 " : "0 "), `call ${sequence}: ${said}`).to.equal(true);
        expect(sides[payee].served.has(sequence), `call ${sequence} was answered and had run`).to.equal(true);
      }
    }
    const { doubles, signed, bases } = findDoubles([join(sides[0].dir, "wire.bin"), join(sides[1].dir, "wire.bin")]);
    expect(doubles).to.deep.equal([]);
    expect(bases, "new bases were signed meanwhile").to.be.at.least(1);
    console.log(`      ${KILLS} kills, ${answered()} answers, ${signed} signed states, ${bases} bases${[...new Set(sides.flatMap(({ alarms }) => alarms))].map((alarm) => `\n      ${alarm}`).join("")}`);
  });
});

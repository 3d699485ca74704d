/**
 * `npm run demo` plays the story on a network of its own and ends; `npm start` (`--stay`) goes on serving until Ctrl-C;
 * `--chapter N` plays one chapter.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { chapters } from "./chapters/index.ts";
import { readEnvironment } from "./config.ts";
import { DemoError, LocalNetwork } from "./LocalNetwork.ts";
import { Narrator } from "./Narrator.ts";
import { stopDatabases } from "./stopDatabases.ts";
import { stopSequencers } from "./stopSequencers.ts";
import { Story } from "./Story.ts";

/** A second signal within this time is the same Ctrl-C, passed on by the program that started this one. */
const SAME_SIGNAL_MS = 2_000;

/** So many chapters before its own a chapter's preparation begins. */
const AHEAD = 2;

interface Flags {
  readonly stay: boolean;
  readonly chapter: number | undefined;
}

function parseFlags(): Flags {
  const options = { stay: { type: "boolean", default: false }, chapter: { type: "string" } } as const;
  let values: { stay: boolean; chapter?: string };
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new DemoError(`${error instanceof Error ? error.message : String(error)}\nOptions: --chapter N (1 to ${chapters.length}), --stay`);
  }
  if (values.chapter === undefined) return { stay: values.stay, chapter: undefined };
  const chapter = Number(values.chapter);
  if (!chapters.some(({ number }) => number === chapter)) throw new DemoError(`There is no chapter ${values.chapter}: they are 1 to ${chapters.length}.`);
  return { stay: values.stay, chapter };
}

/** Resolves with the signal's exit code at the first Ctrl-C; a second one, later, ends the process at once. */
function watchSignals(network: LocalNetwork): Promise<number> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      const code = signal === "SIGINT" ? 130 : 143;
      if (firstAt === undefined) {
        firstAt = Date.now();
        process.stdout.write("\nStopping …\n");
        resolve(code);
      } else if (Date.now() - firstAt > SAME_SIGNAL_MS) {
        network.kill();
        stopSequencers(network.directory);
        process.exit(code);
      }
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  });
}

function tellHowToUse(narrator: Narrator, network: LocalNetwork): void {
  process.stdout.write("\nThe network stays up until Ctrl-C.\n");
  narrator.fact("sequencer", network.sequencerUrl);
  narrator.fact("API of a replica", `${network.apiUrl} (documentation at ${network.apiUrl}/docs)`);
  narrator.fact("challenger", `${network.challengerUrl}/v1/status`);
  narrator.fact("faucet", network.faucetUrl);
  narrator.fact("L1", network.l1Url);
  narrator.say("Try it by hand, in another terminal:");
  const env = `AGNT2_SEQUENCER_URL=${network.sequencerUrl} AGNT2_API_URL=${network.apiUrl} L1_URL=${network.l1Url}`;
  narrator.fact("", `${env} npx agnt2 status`);
  narrator.fact("", `${env} npx agnt2 account 1`);
}

async function play(flags: Flags, narrator: Narrator, network: LocalNetwork): Promise<void> {
  const startedAt = Date.now();
  await network.start(readEnvironment().l1Url);
  narrator.say(`The network is up after ${((Date.now() - startedAt) / 1000).toFixed(0)} s: an L1 with the contracts, a sequencer, and a replica and a challenger that read L1 only.`);
  const story = await Story.begin(narrator, network);
  try {
    const played = chapters.filter(({ number }) => flags.chapter === undefined || number === flags.chapter);
    const prepared = new Map<number, Promise<unknown> | undefined>();
    for (const [place, chapter] of played.entries()) {
      const coming = played[place + AHEAD];
      if (coming?.prepare !== undefined) {
        const ready = coming.prepare(story);
        // Whoever plays it meets the failure.
        ready.catch(() => undefined);
        prepared.set(coming.number, ready);
      }
      narrator.chapter(chapter.number, chapter.title);
      await chapter.play(story, prepared.get(chapter.number));
    }
  } finally {
    await story.end();
  }
  process.stdout.write(`\nThe story took ${((Date.now() - startedAt) / 1000).toFixed(0)} s.\n`);
}

async function run(): Promise<number> {
  const flags = parseFlags();
  const directory = mkdtempSync(join(tmpdir(), "agnt2-demo-"));
  const narrator = new Narrator();
  const network = new LocalNetwork(narrator, directory);
  const interrupted = watchSignals(network);
  const lost = new Promise<never>((_resolve, reject) => (network.onLost = reject));
  try {
    const played = play(flags, narrator, network).then(() => "played" as const);
    const end = await Promise.race([played, interrupted, lost]);
    if (end !== "played") return end;
    if (!flags.stay) return 0;
    tellHowToUse(narrator, network);
    await Promise.race([interrupted, lost]);
    return 0;
  } finally {
    narrator.hush();
    await network.stop();
    stopSequencers(directory);
    await stopDatabases(directory);
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exit(await run());
} catch (error) {
  const isExpected = error instanceof DemoError || (typeof error === "object" && error !== null && "code" in error && "todo" in error);
  process.stderr.write(`\nThe demo failed: ${error instanceof Error ? (isExpected ? error.message : error.stack) : String(error)}\n`);
  if (error instanceof Error && "todo" in error) process.stderr.write(`What to do: ${String(error.todo)}\n`);
  process.exit(1);
}

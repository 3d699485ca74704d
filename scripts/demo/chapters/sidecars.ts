import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { formatEther } from "ethers";

import { readEarnings, readPurchases } from "../../../sidecar/process/readBooks.ts";
import { freePort } from "../../../sidecar/process/freePort.ts";
import { ROOT } from "../ChildService.ts";
import type { ChildService } from "../ChildService.ts";
import { DemoError } from "../LocalNetwork.ts";
import type { Chapter, Story } from "../Story.ts";

const PRICE = "0.0001";
const DEPOSIT = "0.1";
const BY_CALL = 12;
const BY_CHANNEL = 300;
const AT_ONCE = 16;
const READY_MS = 60_000;
const WORDS: Readonly<Record<string, string>> = { cat: "Katze", dog: "Hund", bird: "Vogel", fish: "Fisch", horse: "Pferd" };

/** Two programs that know nothing of each other, of money or of chains, each with a sidecar. */
interface Scene {
  readonly dictionary: Server;
  readonly seller: { readonly child: ChildService; readonly url: string; readonly dir: string };
  readonly buyer: { readonly child: ChildService; readonly gateway: string; readonly dir: string };
}

async function startSidecar({ network }: Story, name: string, admin: number, flags: readonly string[]): Promise<{ readonly child: ChildService; readonly dir: string }> {
  const dir = join(network.directory, `sidecar-${name}`);
  const common = [
    "--sequencer", network.sequencerUrl, "--api", network.apiUrl, "--l1", network.l1Url, "--deployment", network.deploymentFile, "--faucet", network.faucetUrl,
    "--data-dir", dir, "--admin-port", String(admin), "--log-level", "warn",
    // L1's clock runs ahead where blocks come faster than seconds.
    "--max-clock-skew-seconds", "3600",
  ];
  const child = network.program(`sidecar of ${name}`, [join(ROOT, "sidecar", "main.ts"), ...common, ...flags], {});
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${admin}/ready`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    const report = answer?.ok === true ? ((await answer.json()) as { missingSteps: readonly string[]; ways: Readonly<Record<string, boolean>> }) : undefined;
    return report !== undefined && report.missingSteps.length === 0 && Object.values(report.ways).every(Boolean);
  };
  await child.untilReady(isReady, READY_MS);
  return { child, dir };
}

async function setTheScene(story: Story): Promise<Scene> {
  const dictionary = createServer((request, response) => {
    const word = (request.url ?? "/").slice(1);
    const found = WORDS[word];
    response.writeHead(found === undefined ? 404 : 200, { "content-type": "text/plain" }).end(found ?? "unknown");
  }).listen(0, "127.0.0.1");
  await once(dictionary, "listening");
  const upstream = `http://127.0.0.1:${(dictionary.address() as AddressInfo).port}`;
  const [door, listen, gateway, ...admin] = await Promise.all(Array.from({ length: 5 }, () => freePort("127.0.0.1")));
  const url = `http://127.0.0.1:${door}`;
  const [seller, buyer] = await Promise.all([
    startSidecar(story, "dictionary", admin[0]!, ["--upstream", upstream, "--price", PRICE, "--name", "Dictionary", "--port", String(door), "--channel-listen", `tls://127.0.0.1:${listen}`]),
    startSidecar(story, "reader", admin[1]!, [
      "--gateway-port", String(gateway), "--buy-agents", `dictionary=${url}`, "--local-targets", "--buy-per-day", "1",
      "--promote-calls", "5", "--promote-deposit", DEPOSIT, "--promote-window-seconds", "60",
    ]),
  ]);
  return { dictionary, seller: { ...seller, url }, buyer: { ...buyer, gateway: `http://127.0.0.1:${gateway}/agents/dictionary` } };
}

async function ask(gateway: string, word: string): Promise<string> {
  const answer = await fetch(`${gateway}/${word}`);
  const text = await answer.text();
  if (!answer.ok) throw new DemoError(`The dictionary answered ${answer.status}: ${text}`);
  return text;
}

async function askOften(gateway: string, count: number): Promise<void> {
  const words = Object.keys(WORDS);
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) await ask(gateway, words[next++ % words.length]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

const ether = (base: bigint): string => `${formatEther(base)} ETH`;

/** Asks until the purchases go over the channel that the buyer's sidecar opens by itself. */
async function untilChannel({ gateway, dir }: Scene["buyer"]): Promise<void> {
  for (const end = Date.now() + READY_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100))) {
    await ask(gateway, "cat");
    if (readPurchases(dir, 1)[0]?.way === "channel") return;
  }
  throw new DemoError("The reader's sidecar has opened no channel.");
}

async function tell({ narrator }: Story, { seller, buyer }: Scene): Promise<void> {
  narrator.say("A dictionary and a reader: two plain HTTP programs that know nothing of chains, keys or money. Each has a sidecar beside it; the dictionary's was told an address and a price, the reader's whom it may pay, and how much.");
  const unpaid = await fetch(`${seller.url}/cat`);
  await unpaid.arrayBuffer();
  narrator.fact("a stranger asks", `status ${unpaid.status}: this costs ${PRICE} ETH`);
  narrator.fact("the reader asks", `cat? ${await ask(buyer.gateway, "cat")}`);
  const [first] = readPurchases(buyer.dir, 1);
  narrator.fact("paid for that", `${ether(first!.amount)} by a call of Layer Core, with the answer and not before it (${first!.key})`);
  narrator.say("It asks again and again. Its sidecar sees that this pair talks a lot, and opens a channel by itself; neither program notices.");
  for (let place = 0; place < BY_CALL; place += 1) await ask(buyer.gateway, "dog");
  await narrator.waiting("Waiting for the channel …", untilChannel(buyer));
  const startedAt = performance.now();
  await askOften(buyer.gateway, BY_CHANNEL);
  const seconds = (performance.now() - startedAt) / 1000;
  narrator.fact("over the channel", `${BY_CHANNEL} words in ${seconds.toFixed(2)} s (${Math.round(BY_CHANNEL / seconds)} a second), each asked over HTTP, paid and signed for`);
}

/** What both sides have written down, when nothing is under way any more. */
async function compare({ narrator }: Story, { seller, buyer }: Scene): Promise<void> {
  await buyer.child.stop();
  await seller.child.stop();
  const bought = readPurchases(buyer.dir, 10_000);
  const byCall = bought.filter(({ way, state }) => way === "call" && state === "paid").reduce((sum, { amount }) => sum + amount, 0n);
  const byChannel = bought.filter(({ way, state }) => way === "channel" && state === "paid").reduce((sum, { amount }) => sum + amount, 0n);
  const earned = readEarnings(seller.dir).filter(({ way, payer }) => way === "call" && payer === undefined).reduce((sum, { amount }) => sum + amount, 0n);
  narrator.say("Both sidecars stop in order. What they have in their books:");
  narrator.fact("the reader has spent", `${ether(byCall)} by calls and ${ether(byChannel)} over the channel, of its ${ether(10n ** 18n)} a day`);
  narrator.fact("the dictionary has", `${ether(earned)} by calls; the channel's own books have the rest`);
  if (byCall !== earned || byCall + byChannel !== BigInt(bought.length) * 10n ** 14n) throw new DemoError("The two do not have the same in their books.");
}

/** Programs in any language sell to each other and buy, without a change to their code. */
export const sidecars: Chapter = {
  number: 10,
  title: "Any HTTP service, paid by the call",
  prepare: (story) => setTheScene(story),
  async play(story, prepared) {
    const scene = await story.narrator.waiting("Giving two programs sidecars, with keys, names and accounts …", (prepared as Promise<Scene> | undefined) ?? setTheScene(story));
    try {
      await tell(story, scene);
      await compare(story, scene);
    } finally {
      await Promise.all([scene.buyer.child.stop(), scene.seller.child.stop()]);
      scene.dictionary.closeAllConnections();
      scene.dictionary.close();
    }
  },
};

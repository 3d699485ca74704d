import type { SidecarConfig } from "../../sidecar/config.ts";
import type { Sidecar, SidecarEvent } from "../../sidecar/createSidecar.ts";
import type { IdentityProgress } from "../../sidecar/identity/IdentityProgress.ts";
import { describeFunds } from "../../sidecar/process/logEvent.ts";
import { openPricing } from "../../sidecar/process/openPricing.ts";
import type { Report, Row } from "../Report.ts";

type Step = Extract<IdentityProgress, { kind: "begun" }>["step"];

const DOING: Readonly<Record<Step, string>> = {
  registration: "Registering the agent on L1 …", account: "Opening its account on the chain …", link: "Tying the two together …",
  uri: "Writing down on L1 what it says of itself …", session: "Setting a session key …", advertise: "Publishing what it sells …",
};
const DONE: Readonly<Record<Step, string>> = {
  registration: "Registered on L1.", account: "The account on the chain is open.", link: "Agent and account belong together.",
  uri: "L1 has what the agent says of itself.", session: "The session key is set.", advertise: "What it sells is published.",
};
const SHOWN_ROUTES = 8;

/** Tells a person, or a program, what a sidecar does: the first start step by step, a summary, then a line for what matters. */
export class SidecarWatch {
  readonly #report: Report;
  readonly #config: SidecarConfig;
  #sidecar: Sidecar | undefined;
  #step: { end(): void } | undefined;

  constructor(report: Report, config: SidecarConfig) {
    [this.#report, this.#config] = [report, config];
  }

  follow(sidecar: Sidecar): void {
    this.#sidecar = sidecar;
  }

  /** Stops what is still turning. */
  end(): void {
    this.#step?.end();
    this.#step = undefined;
  }

  /** A line for people; for programs all the facts. */
  #tell(sentence: string, facts: Row): void {
    this.#report.event(sentence, this.#report.isJson ? facts : {});
  }

  #wait(label: string): void {
    this.end();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#step = { end: resolve };
    void this.#report.waiting(label, promise);
  }

  event(event: SidecarEvent): void {
    if (event.kind === "identity") this.#progress(event.progress);
    else if (event.kind === "ready") this.#summary();
    else if (event.kind === "prices") this.#tell("The new prices are in force; those before are taken for a while.", { event: "prices" });
    else if (event.kind === "channel") this.#channel(event);
    else if (event.kind === "promotion") this.#promotion(event);
    else this.#bought(event);
  }

  #progress(progress: IdentityProgress): void {
    if (progress.kind === "begun") return this.#wait(DOING[progress.step]);
    this.end();
    if (progress.kind === "funds") {
      this.#tell(describeFunds(progress), { event: "funds", address: progress.address, missingWei: progress.missingWei, missing: progress.missingAsset, chainId: progress.chainId });
      this.#wait("Waiting for funds …");
    } else if (progress.kind === "faucet") this.#wait("Asking the faucet …");
    else if (progress.kind === "resumed") this.#wait("Waiting for a transaction of an earlier start …");
    else if (progress.kind === "done") {
      const { agentId, accountIndex } = progress.facts;
      this.#tell(progress.step === "registration" ? `${DONE.registration} It is agent ${agentId}.` : progress.step === "account" ? `${DONE.account} It is number ${accountIndex}.` : DONE[progress.step], { event: "done", step: progress.step, ...(agentId === undefined ? {} : { agentId: String(agentId) }), ...(accountIndex === undefined ? {} : { account: accountIndex }) });
    } else if (progress.kind === "trouble") this.#report.error(progress.error);
  }

  #summary(): void {
    this.end();
    const sidecar = this.#sidecar!;
    const { address, agentId, accountIndex } = sidecar.facts;
    const { ways, problems } = sidecar.readiness();
    const routes = this.#prices();
    const facts: Row = {
      ...(this.#report.isJson ? { event: "ready" } : {}), address, agentId: agentId === undefined ? null : String(agentId), account: accountIndex ?? null,
      ...(sidecar.url === undefined ? {} : { url: sidecar.url, card: `${sidecar.url}/.well-known/agent-card.json`, ways: Object.entries(ways).map(([name, isReady]) => (isReady ? name : `${name} (not now)`)).join(", ") }),
      ...(routes === undefined ? {} : { prices: routes }),
      ...(sidecar.gatewayPort === undefined ? {} : { gateway: `http://127.0.0.1:${sidecar.gatewayPort}/agents/NAME/` }),
      ...(sidecar.proxyPort === undefined ? {} : { proxy: `http://127.0.0.1:${sidecar.proxyPort}` }),
      health: `http://${this.#config.settings.adminHost}:${sidecar.adminPort}/ready`,
      ...(problems.length === 0 ? {} : { problems: problems.join("; ") }),
    };
    this.#report.event(sidecar.url === undefined ? "Ready to buy." : "Open for business. Ctrl-C ends it; kill -HUP reads the prices again.", facts);
  }

  #prices(): string | undefined {
    const routes = openPricing(this.#config)?.routes;
    if (routes === undefined) return undefined;
    const shown = routes.slice(0, SHOWN_ROUTES).map(({ match, free, price, x402 }) => `${match} ${free === true ? "free" : (price ?? Object.values(x402 ?? {}).join(" or "))}`);
    return `${shown.join("; ")}${routes.length > SHOWN_ROUTES ? `; and ${routes.length - SHOWN_ROUTES} more` : ""}`;
  }

  #channel({ notice }: Extract<SidecarEvent, { kind: "channel" }>): void {
    if (notice.kind === "trouble" || notice.kind === "tower-alarm") return this.#report.error(notice.error);
    const texts = { opened: `A channel was opened with this agent: ${notice.channelId}`, "close-requested": `A close of channel ${notice.channelId} was asked for.`, "answered-close": "A close with an older state was answered.", settled: `Channel ${notice.channelId} was paid out.` };
    this.#tell(texts[notice.kind], { event: `channel-${notice.kind}`, channel: notice.channelId });
  }

  #promotion({ event }: Extract<SidecarEvent, { kind: "promotion" }>): void {
    if (event.kind === "failed") return this.#report.error(event.error);
    const texts = { opened: "A channel to a seller that is paid often is open.", deposited: "A channel was filled up.", closed: "A channel that was idle is closed.", "ended-alone": "A channel was ended without its partner." };
    this.#tell(texts[event.kind], { event: `promotion-${event.kind}`, channel: event.channelId, payee: event.payee });
  }

  /** Purchases are in the receipts; only what a person should look at is told. */
  #bought({ event }: Extract<SidecarEvent, { kind: "bought" }>): void {
    if (event.kind === "trouble") return this.#report.error(event.error);
    if (event.kind !== "disputed" && event.kind !== "unknown") return;
    const { id, host, amount } = event.receipt;
    this.#tell(event.kind === "disputed" ? "An answer is not what its seller signed." : "Nobody can say whether a payment moved: it counts as spent.", { event: event.kind, receipt: id, host, amount });
  }
}

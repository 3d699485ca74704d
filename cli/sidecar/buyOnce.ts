import { createLogger } from "../../runtime/logger/createLogger.ts";
import { formatBaseUnits } from "../../sdk/amount.ts";
import { sidecarSettings } from "../../sidecar/config.ts";
import type { SidecarConfig } from "../../sidecar/config.ts";
import { createSidecar } from "../../sidecar/createSidecar.ts";
import { EXIT_FAILED } from "../exitCodes.ts";
import type { Report, Row } from "../Report.ts";
import { SidecarWatch } from "./SidecarWatch.ts";

const BUYER_DIR = ".agnt2/buyer";
const ZERO_ADDRESS = `0x${"0".repeat(40)}`;
const LAST_ERRORS = 400;

export interface Purchase {
  readonly url: string;
  readonly method: string;
  readonly body: string | undefined;
}

/** What a person named may be paid, on this machine too; nothing else is opened or sold. */
function forBuying({ settings }: SidecarConfig, { origin }: URL): SidecarConfig {
  const { dataDir, buyAgents } = settings;
  return {
    settings: {
      ...settings, upstream: undefined, price: undefined, x402Price: [], gatewayPort: undefined, proxyPort: undefined, promoteDeposit: undefined, adminPort: 0,
      dataDir: dataDir === sidecarSettings.dataDir.default ? BUYER_DIR : dataDir, buyAgents: [...buyAgents, { name: "asked", target: origin }],
    },
    routes: undefined,
  };
}

/** Buys one answer and prints it. @returns the exit code */
export async function buyOnce(report: Report, given: SidecarConfig, { url, method, body }: Purchase): Promise<number> {
  const config = forBuying(given, new URL(url));
  const logger = createLogger({ service: "buyer", level: "error", output: process.stderr });
  // For programs there is one document: the answer.
  const watch = report.isJson ? undefined : new SidecarWatch(report, config);
  const sidecar = createSidecar({ config, logger, onEvent: (event) => (event.kind === "ready" ? watch?.end() : watch?.event(event)) });
  watch?.follow(sidecar);
  await sidecar.start();
  try {
    await sidecar.whenReady();
    const bought = async (): Promise<{ response: Response; text: string }> => {
      const response = await sidecar.buyer.fetch(url, { method, ...(body === undefined ? {} : { body }) });
      return { response, text: await response.text() };
    };
    const { response, text } = await report.waiting("Buying …", bought());
    const receipt = sidecar.buyer.receipts.of(response);
    const facts: Row = {
      status: response.status,
      ...(receipt === undefined ? { paid: report.isJson ? "0" : "nothing" } : {
        paid: report.isJson ? String(receipt.amount) : receipt.asset === ZERO_ADDRESS ? `${formatBaseUnits(receipt.amount, { decimals: 18 })} ETH` : `${receipt.amount} base units of ${receipt.asset}`,
        way: receipt.way, payee: receipt.payee, payment: receipt.key, receipt: receipt.id,
      }),
    };
    report.result(report.isJson ? "" : text, report.isJson ? { ...facts, answer: text } : facts);
    if (response.ok) return 0;
    if (!report.isJson) process.stderr.write(`${text.slice(0, LAST_ERRORS)}\n`);
    return EXIT_FAILED;
  } finally {
    watch?.end();
    await sidecar.stop({ kind: "requested", by: "the command line" });
  }
}

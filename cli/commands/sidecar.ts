import type { Command } from "commander";
import { Option } from "commander";

import { flagName } from "../../runtime/config/defineConfig.ts";
import { runUntilStopped } from "../../runtime/lifecycle/runUntilStopped.ts";
import { createLogger } from "../../runtime/logger/createLogger.ts";
import { loadSidecarConfig, sidecarSettings } from "../../sidecar/config.ts";
import type { SidecarConfig } from "../../sidecar/config.ts";
import { parseUrl, parseWhole } from "../arguments.ts";
import { EXIT_FAILED } from "../exitCodes.ts";
import { Report } from "../Report.ts";
import { SidecarWatch } from "../sidecar/SidecarWatch.ts";

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** Settings that every command of the program has. */
const SHARED: readonly string[] = ["sequencer", "api", "l1", "keystore", "passwordFile", "signer", "deployment", "sequencerAddress", "account"];

/** The table of settings as options of the command. */
function withSettings(command: Command): Command {
  command.option("--config <file>", "YAML or JSON file with settings and routes");
  for (const [name, setting] of Object.entries(sidecarSettings)) {
    if (SHARED.includes(name) || setting.env === "AGNT2_KEY" || setting.env === "AGNT2_PASSWORD") continue;
    // One that is on unless it is said otherwise takes a word: a switch could only turn it on.
    const isFlag = setting.parser.typeName === "flag" && !("default" in setting && setting.default === true);
    const [fallback] = "default" in setting && setting.default !== undefined && !("secret" in setting) ? [String(setting.default)] : [""];
    command.addOption(new Option(isFlag ? flagName(name) : `${flagName(name)} <value>`, `${setting.description}${fallback === "" || fallback === "false" ? "" : ` (default: ${fallback})`}`));
  }
  return command;
}

/** What was typed, as the table's flags. */
export function flagsOf(values: Values): string[] {
  const names = ["config", ...Object.keys(sidecarSettings)];
  return names.flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`${flagName(name)}=${Array.isArray(value) ? value.join(",") : String(value)}`];
  });
}

interface SidecarContext {
  readonly report: Report;
  readonly config: SidecarConfig;
  /** The settings as they are on disk now. */
  readonly reload: () => SidecarConfig;
  /** Of this command alone. */
  readonly options: Values;
}

/** A command's body with its report and settings; what goes wrong is told with its code. */
function action(body: (context: SidecarContext, argument: string) => Promise<number | void>): (this: Command, ...args: unknown[]) => Promise<void> {
  return async function (this: Command, argument) {
    const report = new Report(this.optsWithGlobals<{ json?: boolean }>().json === true);
    try {
      const reload = (): SidecarConfig => loadSidecarConfig(flagsOf(this.optsWithGlobals<Record<string, string>>()));
      process.exitCode = (await body({ report, config: reload(), reload, options: this.opts<Record<string, string>>() }, String(argument))) ?? 0;
    } catch (error) {
      report.error(error);
      process.exitCode = EXIT_FAILED;
    }
  };
}

const SETTINGS_NOTE = "\nTakes the settings of `agnt2 sidecar`, wherever they stand: flags, environment, --config.";

/** Runs it until a signal ends it; SIGHUP has it read its prices again. */
async function runSidecar({ report, config, reload }: SidecarContext): Promise<number> {
  const { createSidecar } = await import("../../sidecar/createSidecar.ts");
  // What is told here anyway needs no line in the log.
  const level = config.settings.logLevel === "info" ? "warn" : config.settings.logLevel;
  const logger = createLogger({ service: "sidecar", level, output: process.stderr });
  const watch = new SidecarWatch(report, config);
  const sidecar = createSidecar({ config, logger, onEvent: (event) => watch.event(event) });
  watch.follow(sidecar);
  const onHangup = (): void => {
    const read = async (): Promise<void> => sidecar.replacePrices(reload());
    read().catch((error: unknown) => report.error(error));
  };
  process.on("SIGHUP", onHangup);
  try {
    return await runUntilStopped(sidecar, { signals: process, exitNow: (code) => process.exit(code), onError: (error) => report.error(error) });
  } finally {
    process.off("SIGHUP", onHangup);
    watch.end();
  }
}

/** A service is sold, and others are bought from, beside any program. */
export function addSidecarCommands(program: Command): void {
  const group = withSettings(program.command("sidecar").description("sell any HTTP service by the call, and buy from others, until Ctrl-C")).action(action(runSidecar));
  group
    .command("check")
    .description("check settings and routes, and show what each route costs; starts nothing")
    .addHelpText("after", SETTINGS_NOTE)
    .action(
      action(async ({ report, config }) => {
        const { checkSidecar } = await import("../sidecar/checkSidecar.ts");
        checkSidecar(report, config);
      }),
    );
  group
    .command("earnings")
    .description("what came in, by way and asset, as the ledger has it; also while the sidecar runs")
    .option("--payers", "by payer too")
    .addHelpText("after", SETTINGS_NOTE)
    .action(
      action(async ({ report, config, options }) => {
        const { showEarnings } = await import("../sidecar/showBooks.ts");
        showEarnings(report, config.settings.dataDir, options["payers"] === true);
      }),
    );
  group
    .command("receipts")
    .description("what was bought, the newest first; also while the sidecar runs")
    .option("--limit <number>", "so many at most", parseWhole, 20)
    .addHelpText("after", SETTINGS_NOTE)
    .action(
      action(async ({ report, config, options }) => {
        const { showReceipts } = await import("../sidecar/showBooks.ts");
        showReceipts(report, config.settings.dataDir, Number(options["limit"]));
      }),
    );
  group
    .command("buy")
    .description("buy one answer of a paid URL within the budget, and print it")
    .argument("<url>", "what to ask for", parseUrl)
    .option("--method <method>", "how to ask", "GET")
    .option("--body <text>", "what to send")
    .addHelpText("after", `${SETTINGS_NOTE}\nData folder: .agnt2/buyer, so that it does not stand in the way of a sidecar that runs here.`)
    .action(
      action(async ({ report, config, options }, url) => {
        const { buyOnce } = await import("../sidecar/buyOnce.ts");
        return buyOnce(report, config, { url, method: String(options["method"]), body: options["body"] as string | undefined });
      }),
    );
}

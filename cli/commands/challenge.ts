import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { Command } from "commander";

import { HttpService } from "../../sdk/HttpService.ts";
import type { Json } from "../../sdk/HttpService.ts";
import { SdkError, sdkError } from "../../sdk/SdkError.ts";
import { inheritedEnvironment } from "../config.ts";
import type { CliConfig } from "../config.ts";
import { action } from "../runCommand.ts";
import type { Report } from "../Report.ts";
import { usageError } from "../usageError.ts";

const MAIN = join(import.meta.dirname, "..", "..", "services", "challenger", "main.ts");
const LOOK_MS = 500;
/** A round is quiet when nothing was seen in so many looks. */
const QUIET_LOOKS = 4;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The key as the challenger takes it: never on the command line. */
function keyEnvironment({ keystore, passwordFile, signer, account, key }: CliConfig): Record<string, string> {
  if (keystore !== undefined) {
    if (passwordFile === undefined) throw usageError("a challenger runs unattended: name --password-file FILE beside the keystore");
    return { CHALLENGER_KEYSTORE: keystore, CHALLENGER_PASSWORD_FILE: passwordFile };
  }
  if (signer !== undefined) return { CHALLENGER_SIGNER_URL: signer, ...(account === undefined ? {} : { CHALLENGER_SIGNER_ADDRESS: account }) };
  return key === undefined ? {} : { CHALLENGER_KEY: key };
}

/** Its log, a line each; as it is for programs, the message alone for people. */
function follow(child: ChildProcess, report: Report): void {
  if (child.stdout === null) return;
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (report.isJson) return void process.stderr.write(`${line}\n`);
    try {
      const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
      process.stdout.write(`  ${level === "info" ? "" : `${level ?? ""}: `}${msg ?? line}\n`);
    } catch {
      process.stdout.write(`  ${line}\n`);
    }
  });
}

/** Undefined while it is starting. */
async function statusOf(service: HttpService): Promise<Json | undefined> {
  try {
    return await service.get("/v1/status");
  } catch (error) {
    if (error instanceof SdkError && error.reaction === "retry") return undefined;
    throw error;
  }
}

const isQuiet = (status: Json | undefined): boolean =>
  status !== undefined && typeof status["block"] === "number" && status["rivals"] === 0 && status["games"] === 0 && status["pendingTransactions"] === 0;

/** The challenger service in the foreground: one's own replica, from L1 alone. */
export function addChallengeCommand(program: Command): void {
  program
    .command("challenge")
    .description("answer false claims with your own key and replica, until Ctrl-C; needs L1, the deployment file, and money for bonds and gas")
    .option("--data-dir <folder>", "where the replica and the journal of transactions live", ".agnt2/challenger")
    .option("--always", "back the true claim of every epoch, not only where there is another")
    .option("--until-quiet", "end when no false claim is left")
    .action(
      action(async ({ connection, report }, options: { dataDir: string; always?: boolean; untilQuiet?: boolean }) => {
        const { config } = connection;
        if (config.deployment === undefined) throw usageError("name the chain's --deployment FILE: a challenger believes no server");
        const port = await freePort();
        const flags = ["--l1-url", config.l1, "--deployment", config.deployment, "--data-dir", options.dataDir, "--port", String(port)];
        flags.push("--poll-ms", String(LOOK_MS), "--min-balance-gwei", "0", "--backing", options.always === true ? "always" : "rivals");
        const child = spawn(process.execPath, [MAIN, ...flags], { env: { ...inheritedEnvironment(), ...keyEnvironment(config) }, stdio: ["ignore", "pipe", "inherit"] });
        const ended = once(child, "exit").then(([code]) => Number(code ?? 0));
        let isAsked = false;
        const stop = (): void => {
          isAsked = true;
          child.kill("SIGTERM");
        };
        process.once("SIGINT", stop).once("SIGTERM", stop);
        follow(child, report);
        const service = new HttpService(`http://127.0.0.1:${port}`, { timeoutMs: 5_000 });
        let last: Json | undefined;
        for (let quiet = 0; ; ) {
          const code = await Promise.race([ended, new Promise<void>((resolve) => setTimeout(resolve, LOOK_MS))]);
          if (code !== undefined && !isAsked) throw sdkError("SDK_INPUT", `the challenger ended with code ${code}; its last words are above`);
          if (code !== undefined) break;
          last = (await statusOf(service)) ?? last;
          quiet = isQuiet(last) ? quiet + 1 : 0;
          if (options.untilQuiet === true && quiet >= QUIET_LOOKS && !isAsked) stop();
        }
        process.off("SIGINT", stop).off("SIGTERM", stop);
        const { address, batchCount, confirmedEpochs, openEpochs, rivals } = (last ?? {}) as Record<string, string | number | undefined>;
        report.result(rivals === 0 ? "No false claim is left." : "Stopped.", { address, batchCount, confirmedEpochs, openEpochs, rivals });
      }),
    );
}

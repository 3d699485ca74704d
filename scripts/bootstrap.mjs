/**
 * Makes a fresh clone runnable, then runs a program of this repository:
 *
 *     node scripts/bootstrap.mjs [--keep-packages] [--no-build] [program.ts [arguments…]]
 *
 * Plain JavaScript for Node 20 and newer, with no dependency: nothing is installed yet when it starts.
 * The packages bring their own Node 24 (the npm package `node`), which runs TypeScript natively; the machine's Node only
 * has to get this far. Safe to run in two terminals at once: the second waits for the first.
 * `--keep-packages` accepts what an `npm install` of yours just put there, `--no-build` leaves the contracts alone.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const localBin = join(root, "node_modules", ".bin");
const localNode = join(localBin, "node");
const installStamp = join(root, "node_modules", ".agnt2-install");
const buildStamp = join(root, "artifacts", ".agnt2-build");
const lockDirectory = join(root, ".agnt2", "bootstrap.lock");
const packageJson = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const pinnedNode = packageJson.devDependencies.node;

/** Hardhat's native EVM asks for at least this; npm on an older Node silently leaves it out. */
const MINIMUM_NODE = [22, 13];

class SetupError extends Error {}

/** The PATH for programs of this repository (its own Node first) or, for an install, the same without it. */
function pathWithLocalBin(include) {
  const entries = (process.env.PATH ?? "").split(delimiter).filter((entry) => entry !== "" && entry !== localBin);
  return (include ? [localBin, ...entries] : entries).join(delimiter);
}

function sha256(...parts) {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
}

/**
 * Runs a command to its end and collects what it prints. With a label it says every so often that it is still busy.
 * @returns {Promise<{ code: number, output: string }>}
 */
function run(command, args, { env, cwd = root, label } = {}) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    const progress = label === undefined ? undefined : startProgress(label, startedAt);
    const finish = (code) => {
      progress?.stop(code === 0 ? "done in" : "failed after");
      resolve({ code, output });
    };
    child.on("error", (error) => {
      output += `${error.message}\n`;
      finish(127);
    });
    child.on("close", (code, signal) => finish(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

/** One line that counts seconds on a terminal; elsewhere a line at the start and every 15 seconds. */
function startProgress(label, startedAt) {
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  const isTerminal = process.stderr.isTTY === true;
  process.stderr.write(isTerminal ? label : `${label}\n`);
  const timer = setInterval(
    () => process.stderr.write(isTerminal ? `\r${label} ${seconds()} s` : `  still working, ${seconds()} s\n`),
    isTerminal ? 1_000 : 15_000,
  );
  return {
    stop(outcome) {
      clearInterval(timer);
      process.stderr.write(isTerminal ? `\r${label} ${outcome} ${seconds()} s\n` : `  ${outcome} ${seconds()} s\n`);
    },
  };
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function expectedInstallStamp() {
  return sha256(readFileSync(join(root, "package-lock.json")), pinnedNode, process.platform, process.arch);
}

/** Why the packages are not usable, or undefined when they are. A stamp alone is not enough: load the native EVM too. */
async function whatIsWrongWithPackages() {
  if (!existsSync(localNode)) return "no packages yet";
  if (readIfThere(installStamp) !== expectedInstallStamp()) return "the lock file, the Node version or the machine changed";
  return whyEvmDoesNotLoad();
}

async function whyEvmDoesNotLoad() {
  const program = "require('@nomicfoundation/edr'); process.stdout.write(process.versions.node)";
  const { code, output } = await run(localNode, ["-e", program]);
  if (code !== 0) return `Hardhat's native EVM does not load:\n${output}`;
  return output === pinnedNode ? undefined : `node_modules carries Node ${output} instead of ${pinnedNode}`;
}

async function installPackages() {
  const env = { ...process.env, PATH: pathWithLocalBin(false), NODE_ENV: "development" };
  // What `npm run` exported about this project would lead the inner npm astray.
  for (const key of Object.keys(env)) {
    if (/^npm_(lifecycle|package|execpath|node_execpath|command)|^npm_config_(local_prefix|ignore_scripts|omit|only)$|^NODE$/.test(key)) {
      delete env[key];
    }
  }
  const npmCi = "npm ci --include=dev --include=optional --no-audit --no-fund";
  const { output: version } = await run("node", ["-p", "process.versions.node"], { env });
  const [major = 0, minor = 0] = version.trim().split(".").map(Number);
  const isNewEnough = major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1]);
  const label = `Installing packages${isNewEnough ? "" : ` under Node ${pinnedNode}, because this machine has ${version.trim()}`} (about a minute) …`;

  // From an empty folder, or npx would take the Node of the very node_modules that `npm ci` is about to delete.
  const emptyFolder = mkdtempSync(join(tmpdir(), "agnt2-setup-"));
  const { code, output } = isNewEnough
    ? await run("npm", npmCi.split(" ").slice(1), { env, label })
    : await run("npx", ["-y", "-p", `node@${pinnedNode}`, "-c", `cd "$AGNT2_ROOT" && ${npmCi}`], {
        env: { ...env, AGNT2_ROOT: root },
        cwd: emptyFolder,
        label,
      });
  rmSync(emptyFolder, { recursive: true, force: true });
  if (code !== 0) throw new SetupError(`Installing the packages failed (npm ended with ${code}):\n${output}`);

  const problem = await whyEvmDoesNotLoad();
  if (problem !== undefined) {
    throw new SetupError(`The packages are installed, but ${problem}\nIs there a build for ${process.platform} ${process.arch}?`);
  }
  writeFileSync(installStamp, expectedInstallStamp());
}

function solidityFiles(directory) {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((path) => path.endsWith(".sol") && !path.endsWith(".t.sol") && statSync(path).isFile())
    .sort();
}

/** Changes whenever a contract, the compiler settings or the packages do. */
function expectedBuildStamp() {
  const files = solidityFiles(join(root, "contracts")).flatMap((path) => [relative(root, path), readFileSync(path)]);
  return sha256(readFileSync(join(root, "hardhat.config.ts")), readFileSync(join(root, "package-lock.json")), ...files);
}

async function compileContracts() {
  if (!existsSync(join(root, "contracts"))) return;
  const stamp = expectedBuildStamp();
  if (readIfThere(buildStamp) === stamp && existsSync(join(root, "typechain-types"))) return;
  const env = { ...process.env, PATH: pathWithLocalBin(true) };
  const hardhat = join(root, "node_modules", "hardhat", "dist", "src", "cli.js");
  const label = "Compiling the contracts (a minute or two the first time) …";
  const { code, output } = await run(localNode, [hardhat, "build", "--no-tests"], { env, label });
  if (code !== 0) throw new SetupError(`Compiling the contracts failed:\n${output}`);
  writeFileSync(buildStamp, stamp);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Takes the set-up lock, waiting for a set-up in another terminal and clearing away one that died. */
async function acquireLock() {
  mkdirSync(dirname(lockDirectory), { recursive: true });
  const owner = join(lockDirectory, "pid");
  for (let waited = 0; ; waited++) {
    try {
      mkdirSync(lockDirectory);
      writeFileSync(owner, String(process.pid));
      return;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (waited === 1) process.stderr.write("Waiting for the set-up that another terminal started …\n");
    await new Promise((resolve) => setTimeout(resolve, 500));
    const pid = Number(readIfThere(owner));
    if (!(pid > 0 && isAlive(pid)) && waited > 0) rmSync(lockDirectory, { recursive: true, force: true });
  }
}

async function setUp({ build, keepPackages }) {
  await acquireLock();
  const release = () => rmSync(lockDirectory, { recursive: true, force: true });
  const releaseAndExit = (signal) => {
    release();
    process.exit(128 + constants.signals[signal]);
  };
  process.on("SIGINT", releaseAndExit).on("SIGTERM", releaseAndExit);
  try {
    if (keepPackages && (await whyEvmDoesNotLoad()) === undefined) writeFileSync(installStamp, expectedInstallStamp());
    if ((await whatIsWrongWithPackages()) !== undefined) await installPackages();
    if (build) await compileContracts();
  } finally {
    release();
    process.off("SIGINT", releaseAndExit).off("SIGTERM", releaseAndExit);
  }
}

/** Runs the program under the repository's Node, passes signals on once each, and ends as it ended. */
function handOver(program, args) {
  const env = { ...process.env, PATH: pathWithLocalBin(true) };
  const child = spawn(localNode, [program, ...args], { cwd: root, env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    let isPassedOn = false;
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group, so the program has it already.
      if (isPassedOn || (signal === "SIGINT" && process.stdin.isTTY)) return;
      isPassedOn = true;
      child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`Could not start ${program}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    process.exit();
  });
}

const args = process.argv.slice(2);
const flags = new Set();
while (args[0]?.startsWith("--")) flags.add(args.shift());
const [program, ...programArguments] = args;

try {
  const unknown = [...flags].filter((flag) => flag !== "--no-build" && flag !== "--keep-packages");
  if (unknown.length > 0) throw new SetupError(`Unknown option ${unknown.join(" ")}.`);
  await setUp({ build: !flags.has("--no-build"), keepPackages: flags.has("--keep-packages") });
  if (program === undefined) process.stderr.write("Everything is set up.\n");
  else if (existsSync(join(root, program))) handOver(program, programArguments);
  else throw new SetupError(`${program} does not exist.`);
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}

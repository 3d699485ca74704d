import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import hre from "hardhat";

/** Where a state variable lies: `slot:offset type label`. */
export type StorageLayouts = Readonly<Record<string, readonly string[]>>;

interface Variable {
  readonly slot: string;
  readonly offset: number;
  readonly type: string;
  readonly label: string;
}

type LayoutTypes = Readonly<Record<string, { readonly label: string; readonly members?: readonly Variable[] }>>;

interface CompilerInput {
  readonly sources: Readonly<Record<string, unknown>>;
  readonly settings: Record<string, unknown>;
}

interface CompilerOutput {
  readonly errors?: readonly { severity: string; formattedMessage: string }[];
  readonly contracts?: Record<
    string,
    Record<string, { storageLayout?: { storage: Variable[]; types: LayoutTypes | null } }>
  >;
}

const PROBE = "StorageProbe";

/** A contract whose layout is asked for, and where the compiler's answer has it. */
interface Asked {
  readonly name: string;
  readonly file: string;
  readonly contract: string;
  /** Source of a contract that is made for this question. */
  readonly probe?: string;
}

/** The compiler tells the layout of a struct only where a variable has it, so a contract with such a variable is made. */
function askedFor(qualified: string): Asked & { readonly built: string } {
  const [source = "", name = ""] = qualified.split(":");
  const [contract = "", struct] = name.split(".");
  const built = `${source}:${contract}`;
  if (struct === undefined) return { name, built, file: `project/${source}`, contract };
  const probe = `import {${contract}} from "./${source}"; contract ${PROBE} { ${name} private state; }`;
  return { name, built, file: `project/${PROBE}${contract}.sol`, contract: PROBE, probe };
}

function compile(input: CompilerInput, asked: readonly Asked[]): CompilerOutput {
  const require = createRequire(import.meta.url);
  const solc = require("solc") as { compile(input: string): string };
  const probes = Object.fromEntries(asked.flatMap(({ file, probe }) => (probe === undefined ? [] : [[file, { content: probe }]])));
  const outputSelection = Object.fromEntries(asked.map(({ file, contract }) => [file, { [contract]: ["storageLayout"] }]));
  return JSON.parse(solc.compile(JSON.stringify({ ...input, sources: { ...input.sources, ...probes }, settings: { ...input.settings, outputSelection } }))) as CompilerOutput;
}

/**
 * The storage layout of contracts, from the sources of their last build. Only the layout is asked of the compiler, so it takes a second
 * for all that were built together.
 * @param contracts source and name, such as `contracts/root/Inbox.sol:Inbox`, or with the struct that lies at an ERC-7201 slot, such as
 * `contracts/agents/IdentityRegistry.sol:IdentityRegistry.RegistryStorage`: its slots count from there
 */
export async function storageLayouts(contracts: readonly string[]): Promise<StorageLayouts> {
  const builds = new Map<string, Asked[]>();
  for (const { built, ...asked } of contracts.map(askedFor)) {
    const buildId = await hre.artifacts.getBuildInfoId(built);
    const path = buildId === undefined ? undefined : await hre.artifacts.getBuildInfoPath(buildId);
    if (path === undefined) throw new Error(`${built} is not built: npm run build`);
    builds.set(path, [...(builds.get(path) ?? []), asked]);
  }
  const layouts: Record<string, readonly string[]> = {};
  for (const [path, asked] of builds) {
    const { input } = JSON.parse(readFileSync(path, "utf8")) as { input: CompilerInput };
    const output = compile(input, asked);
    for (const { name, file, contract } of asked) {
      const layout = output.contracts?.[file]?.[contract]?.storageLayout;
      if (layout === undefined) throw new Error(output.errors?.map((error) => error.formattedMessage).join("\n") ?? `no layout of ${name}`);
      const types = layout.types ?? {};
      const line = ({ slot, offset, type, label }: Variable): string => `${slot}:${offset} ${types[type]?.label ?? type} ${label}`;
      const structs = Object.values(types).flatMap(({ label, members }) => (members ?? []).map((member) => `${label} ${line(member)}`));
      layouts[name] = [...layout.storage.map(line), ...structs];
    }
  }
  return Object.fromEntries(contracts.map((qualified) => askedFor(qualified).name).map((name) => [name, layouts[name]!]));
}

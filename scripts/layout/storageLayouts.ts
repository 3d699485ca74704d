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
const PROBE_FILE = `project/${PROBE}.sol`;

/**
 * The storage layout of contracts, from the sources of their last build. Only the layout is asked of the compiler, so it takes a second.
 * @param contracts source and name, such as `contracts/root/Inbox.sol:Inbox`, or with the struct that lies at an ERC-7201 slot, such as
 * `contracts/agents/IdentityRegistry.sol:IdentityRegistry.RegistryStorage`: its slots count from there
 */
export async function storageLayouts(contracts: readonly string[]): Promise<StorageLayouts> {
  const require = createRequire(import.meta.url);
  const solc = require("solc") as { compile(input: string): string };
  const layouts: Record<string, readonly string[]> = {};
  for (const qualified of contracts) {
    const [source = "", name = ""] = qualified.split(":");
    const [contract = "", struct] = name.split(".");
    const buildId = await hre.artifacts.getBuildInfoId(`${source}:${contract}`);
    const path = buildId === undefined ? undefined : await hre.artifacts.getBuildInfoPath(buildId);
    if (path === undefined) throw new Error(`${qualified} is not built: npm run build`);
    const { input } = JSON.parse(readFileSync(path, "utf8")) as { input: CompilerInput };
    // The compiler tells the layout of a struct only where a variable has it.
    const [file, laidOut] = struct === undefined ? [`project/${source}`, contract] : [PROBE_FILE, PROBE];
    const probe = struct === undefined ? {} : { [PROBE_FILE]: { content: `import {${contract}} from "./${source}"; contract ${PROBE} { ${name} private state; }` } };
    const settings = { ...input.settings, outputSelection: { [file]: { [laidOut]: ["storageLayout"] } } };
    const output = JSON.parse(solc.compile(JSON.stringify({ ...input, sources: { ...input.sources, ...probe }, settings }))) as CompilerOutput;
    const layout = output.contracts?.[file]?.[laidOut]?.storageLayout;
    if (layout === undefined) throw new Error(output.errors?.map((error) => error.formattedMessage).join("\n") ?? `no layout of ${qualified}`);
    const types = layout.types ?? {};
    const line = ({ slot, offset, type, label }: Variable): string => `${slot}:${offset} ${types[type]?.label ?? type} ${label}`;
    const structs = Object.values(types).flatMap(({ label, members }) => (members ?? []).map((member) => `${label} ${line(member)}`));
    layouts[name] = [...layout.storage.map(line), ...structs];
  }
  return layouts;
}

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
  readonly contracts: Record<
    string,
    Record<string, { storageLayout?: { storage: Variable[]; types: LayoutTypes | null } }>
  >;
}

/**
 * The storage layout of contracts, from the sources of their last build. Only the layout is asked of the compiler, so it takes a second.
 * @param contracts source and name, such as `contracts/root/Inbox.sol:Inbox`
 */
export async function storageLayouts(contracts: readonly string[]): Promise<StorageLayouts> {
  const require = createRequire(import.meta.url);
  const solc = require("solc") as { compile(input: string): string };
  const layouts: Record<string, readonly string[]> = {};
  for (const qualified of contracts) {
    const [source = "", name = ""] = qualified.split(":");
    const buildId = await hre.artifacts.getBuildInfoId(qualified);
    const path = buildId === undefined ? undefined : await hre.artifacts.getBuildInfoPath(buildId);
    if (path === undefined) throw new Error(`${qualified} is not built: npm run build`);
    const { input } = JSON.parse(readFileSync(path, "utf8")) as { input: CompilerInput };
    const settings = { ...input.settings, outputSelection: { [`project/${source}`]: { [name]: ["storageLayout"] } } };
    const output = JSON.parse(solc.compile(JSON.stringify({ ...input, settings }))) as CompilerOutput;
    const layout = output.contracts[`project/${source}`]?.[name]?.storageLayout;
    if (layout === undefined) throw new Error(output.errors?.map((error) => error.formattedMessage).join("\n") ?? `no layout of ${qualified}`);
    const types = layout.types ?? {};
    const line = ({ slot, offset, type, label }: Variable): string => `${slot}:${offset} ${types[type]?.label ?? type} ${label}`;
    const structs = Object.values(types).flatMap(({ label, members }) => (members ?? []).map((member) => `${label} ${line(member)}`));
    layouts[name] = [...layout.storage.map(line), ...structs];
  }
  return layouts;
}

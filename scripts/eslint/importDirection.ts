/**
 * ESLint rule: which folder of this repository may import from which, and which packages it may use.
 * The table is the text of CONTRIBUTING.md "Who may import whom"; change both together.
 */
import { dirname, relative, resolve, sep } from "node:path";

import type { Rule } from "eslint";

interface Direction {
  readonly from: readonly string[];
  readonly packages?: readonly string[];
  readonly node?: false;
}

/**
 * `from` lists folders (a folder may always import from itself; `services/<name>` counts as a folder of its own).
 * `packages`, where given, lists the only npm packages, and `node: false` forbids Node's own modules.
 */
const DIRECTIONS: Readonly<Record<string, Direction>> = {
  spec: { from: [], packages: [], node: false },
  core: { from: [], packages: ["@noble/curves", "@noble/hashes"], node: false },
  chain: { from: ["core", "typechain-types"], packages: ["ethers"], node: false },
  runtime: { from: [] },
  derivation: { from: ["core", "chain", "runtime"] },
  services: { from: ["core", "chain", "derivation", "runtime"] },
  sdk: { from: ["core", "chain"], node: false },
  "sdk/node": { from: ["sdk", "core", "chain", "runtime"] },
  sidecar: { from: ["sdk", "sdk/node", "runtime"] },
  cli: { from: ["sdk", "sdk/node", "sidecar", "runtime"] },
  web: { from: ["sdk"], node: false },
  examples: { from: ["sdk", "sdk/node"] },
  deploy: { from: ["core", "chain", "runtime", "typechain-types"] },
};

/** The folder that a repository path belongs to: `services/<name>` and `sdk/node` go one level deeper. */
function areaOf(path: string): string {
  const [first = "", second] = path.split(sep);
  if (first === "services" && second !== undefined) return `services/${second}`;
  if (first === "sdk" && second === "node") return "sdk/node";
  return first;
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? specifier);
}

function problemWith(specifier: string, file: string, root: string): string | undefined {
  const area = areaOf(relative(root, file));
  const direction = DIRECTIONS[area] ?? DIRECTIONS[area.split("/")[0] ?? ""];
  if (direction === undefined) return undefined;
  if (specifier.startsWith(".")) {
    const target = areaOf(relative(root, resolve(dirname(file), specifier)));
    const isAllowed = target === area || direction.from.includes(target);
    return isAllowed ? undefined : `${area}/ must not import from ${target}/.`;
  }
  if (specifier.startsWith("node:")) return direction.node === false ? `${area}/ must not import ${specifier}.` : undefined;
  const isAllowed = direction.packages === undefined || direction.packages.includes(packageOf(specifier));
  return isAllowed ? undefined : `${area}/ must not import the package ${packageOf(specifier)}.`;
}

export const importDirection: Rule.RuleModule = {
  meta: { type: "problem", schema: [], docs: { description: "keep imports between folders one-way" } },
  create(context) {
    const check = (node: Rule.Node): void => {
      const source = "source" in node ? node.source : undefined;
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = problemWith(source.value, context.filename, context.cwd);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

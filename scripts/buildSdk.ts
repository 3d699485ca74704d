/** `npm run build:sdk`: the SDK as a package of plain JavaScript with types, in `dist/sdk`, ready for `npm pack`. */
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const output = join(root, "dist", "sdk");
const DEPENDENCIES = [
  "@hpke/core", "@noble/curves", "@noble/hashes", "@x402/core", "ethers", "zod",
  // Channels only, of `agnt2-sdk/node`.
  "@libp2p/interface", "@libp2p/noise", "@libp2p/tcp", "@libp2p/yamux", "@multiformats/multiaddr", "libp2p", "secp256k1", "tiny-secp256k1",
];

function manifestText(): string {
  const { version, license, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const entry = (path: string): { types: string; default: string } => ({ types: `./${path}.d.ts`, default: `./${path}.js` });
  const manifest = {
    name: "agnt2-sdk",
    version,
    description: "Client of agnt2, an Ethereum layer 2 for software agents",
    license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    exports: { ".": entry("sdk/index"), "./node": entry("sdk/node/index") },
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, dependencies[name]])),
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** The compiler rewrites the imports of JavaScript only; those of declarations should name what is in the package too. */
function rewriteDeclarations(): void {
  for (const name of readdirSync(output, { recursive: true })) {
    const path = join(output, String(name));
    if (!path.endsWith(".d.ts")) continue;
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace(/(from |import\()"(\.[^"]*)\.ts"/g, '$1"$2.js"'));
  }
}

rmSync(output, { recursive: true, force: true });
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const { status } = spawnSync(process.execPath, [compiler, "--project", join(root, "sdk", "tsconfig.json")], { stdio: "inherit" });
if (status !== 0) {
  process.stderr.write("The SDK does not compile.\n");
  process.exit(1);
}
rewriteDeclarations();
writeFileSync(join(output, "package.json"), manifestText());
for (const name of ["README.md"]) cpSync(join(root, "sdk", name), join(output, name));
cpSync(join(root, "LICENSE"), join(output, "LICENSE"));
process.stdout.write(`The SDK is in ${join("dist", "sdk")}.\n`);

import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";

import { Ajv } from "ajv";
import { expect } from "chai";
import { DockerfileParser, Entrypoint, Healthcheck } from "dockerfile-ast";
import type { Copy, Env } from "dockerfile-ast";
import { parse } from "yaml";

import { sidecarSettings } from "../../sidecar/config.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const FOLDER = join(ROOT, "sidecar", "docker");
const SCHEMA = join(ROOT, "test", "fixtures", "compose-spec", "compose-spec.json");

interface ComposeService {
  readonly environment: Record<string, string>;
  readonly read_only: boolean;
  readonly healthcheck: { readonly test: string[] };
  readonly secrets?: string[];
  readonly volumes?: { readonly source: string }[];
  readonly configs?: { readonly source: string }[];
  readonly networks: string[];
  readonly ports?: string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly entrypoint?: string[];
  readonly stop_grace_period?: string;
}
interface Compose {
  readonly services: Record<"service" | "sidecar" | "facilitator", ComposeService>;
  readonly secrets: Record<string, { readonly file: string }>;
  readonly volumes: Record<string, unknown>;
  readonly configs: Record<string, unknown>;
  readonly networks: Record<string, { readonly internal?: boolean }>;
}

const dockerfile = DockerfileParser.parse(readFileSync(join(FOLDER, "Dockerfile"), "utf8"));
const instructions = dockerfile.getInstructions();
const named = (keyword: string) => instructions.filter((each) => each.getKeyword() === keyword);
const argumentsOf = (instruction: (typeof instructions)[number]): string[] => instruction.getArguments().map((each) => each.getValue());
const copies = (named("COPY") as Copy[]).map((copy) => ({ flags: copy.getFlags().map((flag) => flag.getName()), paths: argumentsOf(copy) }));
const fromContext = copies.filter(({ flags }) => !flags.includes("from")).flatMap(({ paths }) => paths.slice(0, -1));
const environment = new Map((named("ENV") as Env[]).flatMap((env) => env.getProperties().map((property) => [property.getName(), property.getValue() ?? ""] as const)));

const compose = parse(readFileSync(join(FOLDER, "compose.yaml"), "utf8"), { merge: true }) as Compose;

/** Files that a program loads, with the packages that they name; types are not loaded. */
function loaded(entry: string): { readonly files: Set<string>; readonly packages: Set<string> } {
  const [files, packages] = [new Set<string>(), new Set<string>()];
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, specifier] of text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?"([^"]+)";/gm)) {
      if (specifier!.startsWith(".")) visit(normalize(join(dirname(file), specifier!)));
      else if (!specifier!.startsWith("node:")) packages.add(specifier!.split("/").slice(0, specifier!.startsWith("@") ? 2 : 1).join("/"));
    }
    for (const [, specifier] of text.matchAll(/\bimport\("(\.[^"]+)"\)/g)) visit(normalize(join(dirname(file), specifier!)));
  };
  visit(join(ROOT, entry));
  return { files, packages };
}

describe("sidecar container", () => {
  it("Dockerfile: every source of a COPY is there, and let in by the ignore file", () => {
    const allowed = readFileSync(join(FOLDER, "Dockerfile.dockerignore"), "utf8").split("\n").filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    expect(fromContext).not.to.deep.equal([]);
    for (const path of fromContext) {
      expect(existsSync(join(ROOT, path)), path).to.equal(true);
      expect(allowed, path).to.include(path);
    }
  });

  for (const entry of ["sidecar/main.ts", "services/facilitator/main.ts"]) {
    it(`Dockerfile: all that ${entry} loads is in the image, and no package of development`, () => {
      const { packages: locked } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Record<string, { dev?: boolean }> };
      const { files, packages } = loaded(entry);
      for (const file of files) {
        const path = relative(ROOT, file);
        expect(fromContext.some((copied) => path === copied || path.startsWith(`${copied}/`)), path).to.equal(true);
      }
      // What `npm ci --omit=dev` installs.
      for (const name of packages) expect(locked[`node_modules/${name}`], name).to.be.an("object").and.not.have.property("dev", true);
    });
  }

  it("Dockerfile: ends as a user who is not root, below an init, with health asked for", () => {
    expect(argumentsOf(named("USER").at(-1)!)).to.deep.equal(["node"]);
    const [entrypoint] = named("ENTRYPOINT");
    expect(entrypoint).to.be.instanceOf(Entrypoint);
    expect(argumentsOf(entrypoint!).join(" ")).to.match(/tini.*--.*node.*sidecar\/main\.ts/);
    expect(named("HEALTHCHECK")[0]).to.be.instanceOf(Healthcheck);
    const last = instructions.findLastIndex((each) => each.getKeyword() === "FROM");
    expect(instructions.slice(last).some((each) => each.getKeyword() === "USER")).to.equal(true);
    for (const from of named("FROM")) expect(argumentsOf(from)[0]).to.equal("node:24-slim");
  });

  it("Dockerfile: opens the ports that the settings have by default, and sets only what is a setting", () => {
    const { port, adminPort, channelListen } = sidecarSettings;
    const exposed = argumentsOf(named("EXPOSE")[0]!).map(Number);
    expect(exposed).to.deep.equal([port.default, Number(/:(\d+)$/.exec(channelListen.default)![1]), adminPort.default]);
    const known = new Set<string>(Object.values(sidecarSettings).map(({ env }) => env));
    for (const name of environment.keys()) if (!name.startsWith("NODE_")) expect(known.has(name), name).to.equal(true);
    expect(environment.get("SIDECAR_CHANNEL_LISTEN")?.endsWith(`:${exposed[1]}`)).to.equal(true);
  });

  it("Dockerfile: no secret gets into a layer", () => {
    const secret = Object.values(sidecarSettings).filter((setting) => "secret" in setting && setting.env !== "L1_URL").map(({ env }) => env);
    for (const name of [...environment.keys(), ...named("ARG").flatMap(argumentsOf)]) expect(secret).not.to.include(name);
    expect(fromContext.filter((path) => /\.agnt2|deployments|secrets|^\.$/.test(path))).to.deep.equal([]);
  });

  it("compose: is what the Compose Specification's schema allows", () => {
    const schema = JSON.parse(readFileSync(SCHEMA, "utf8")) as Record<string, unknown>;
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    // The draft is named with https there, which the validator does not know by that name.
    const validate = ajv.compile({ ...schema, $schema: "http://json-schema.org/draft-07/schema#" });
    expect(validate(compose), JSON.stringify(validate.errors)).to.equal(true);
    expect(validate({ services: { sidecar: { imge: "x" } } })).to.equal(false);
  });

  it("compose: every variable of the containers is a setting", async () => {
    const { facilitatorSettings } = (await import("../../services/facilitator/config.ts")) as { facilitatorSettings: Record<string, { env: string }> };
    for (const [service, settings] of [["sidecar", sidecarSettings], ["facilitator", facilitatorSettings]] as const) {
      const known = new Set<string>(Object.values(settings).map(({ env }) => env));
      for (const name of Object.keys(compose.services[service].environment)) expect(known.has(name), `${service}: ${name}`).to.equal(true);
    }
  });

  it("compose: read-only, healthy, with secrets as files, and the service reached by nobody else", () => {
    const { service, sidecar, facilitator } = compose.services;
    for (const each of [service, sidecar, facilitator]) {
      expect(each).to.deep.include({ read_only: true, init: true, cap_drop: ["ALL"] });
      expect(each.healthcheck.test[0]).to.equal("CMD");
    }
    for (const { secrets = [], volumes = [], configs = [], networks } of [sidecar, facilitator]) {
      for (const name of secrets) expect(compose.secrets).to.have.property(name);
      for (const { source } of volumes) expect(compose.volumes).to.have.property(source);
      for (const { source } of configs) expect(compose.configs).to.have.property(source);
      for (const name of networks) expect(compose.networks).to.have.property(name);
    }
    expect(service.networks).to.deep.equal(["inside"]);
    expect(service.ports).to.equal(undefined);
    expect(compose.networks["inside"]!.internal).to.equal(true);
    expect(existsSync(join(FOLDER, sidecar.build!.context, sidecar.build!.dockerfile))).to.equal(true);
    expect(sidecar.environment["SIDECAR_UPSTREAM"]).to.equal("http://service:8080");
    expect(Number.parseInt(sidecar.stop_grace_period!, 10) * 1_000).to.be.greaterThan(sidecarSettings.drainMs.default);
  });
});

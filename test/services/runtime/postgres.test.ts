import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import type pg from "pg";

import { silentLogger } from "../../../runtime/logger/createLogger.ts";
import { createPool, inTransaction } from "../../../runtime/postgres/createPool.ts";
import { readPostmaster } from "../../../runtime/postgres/embedded/postmasterFile.ts";
import { startEmbeddedPostgres } from "../../../runtime/postgres/embedded/startEmbeddedPostgres.ts";
import { migrate } from "../../../runtime/postgres/migrate.ts";
import { rejection } from "./rejection.ts";
import { tempFolder } from "./tempFolder.ts";

const holderFile = fileURLToPath(new URL("./postgresHolder.ts", import.meta.url));
const start = (folder: string) => startEmbeddedPostgres({ folder, logger: silentLogger });

async function answers(url: string): Promise<boolean> {
  const pool = createPool({ url, maxConnections: 1, connectTimeoutMs: 1000 });
  try {
    return (await pool.query("SELECT 1")).rowCount === 1;
  } catch (error) {
    expect(error).to.be.instanceOf(Error);
    return false;
  } finally {
    await pool.end();
  }
}

async function startHolder(folder: string) {
  const child = spawn(process.execPath, [holderFile, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return {
    port: Number(said.toString()),
    async kill() {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}

describe("embedded PostgreSQL", () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => (folder = tempFolder()));
  afterEach(() => folder.remove());

  it("start: is ready within seconds on a new folder and stops when its last holder lets go", async () => {
    const startedMs = performance.now();
    const first = await start(folder.path);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).to.be.below(15_000);
    const second = await start(folder.path);
    expect(second.url).to.equal(first.url);
    await first.release();
    expect(await answers(second.url)).to.equal(true);
    await second.release();
    await second.release();
    expect(await answers(second.url)).to.equal(false);
    expect(readPostmaster(join(folder.path, "data"))).to.equal(undefined);
  });

  it("start: shares one server when two processes and this one start at once", async () => {
    const [one, two, mine] = await Promise.all([startHolder(folder.path), startHolder(folder.path), start(folder.path)]);
    expect([one.port, two.port]).to.deep.equal([mine.port, mine.port]);
    await one.kill();
    await two.kill();
    await mine.release();
    expect(await answers(mine.url)).to.equal(false);
  });

  it("start: joins the server that a killed process left behind and keeps its data", async () => {
    const holder = await startHolder(folder.path);
    await holder.kill();
    const mine = await start(folder.path);
    expect(mine.port).to.equal(holder.port);
    await mine.release();
  });

  it("start: works when the server itself was killed and left its files", async () => {
    const holder = await startHolder(folder.path);
    const { pid } = readPostmaster(join(folder.path, "data"))!;
    await holder.kill();
    process.kill(pid, "SIGKILL");
    const mine = await start(folder.path);
    expect(await answers(mine.url)).to.equal(true);
    await mine.release();
  });

  it("start: works when the number in a left file now belongs to another program", async () => {
    await (await start(folder.path)).release();
    writeFileSync(join(folder.path, "data", "postmaster.pid"), `${process.pid}\n${join(folder.path, "data")}\n1\n1\n\n127.0.0.1\n\nready\n`);
    const mine = await start(folder.path);
    expect(await answers(mine.url)).to.equal(true);
    await mine.release();
  });

  it("server: comes back on its port when it is killed while it is held", async () => {
    const mine = await start(folder.path);
    process.kill(readPostmaster(join(folder.path, "data"))!.pid, "SIGKILL");
    const endMs = Date.now() + 15_000;
    while (!(await answers(mine.url))) {
      expect(Date.now(), "the server is back").to.be.below(endMs);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await mine.release();
    expect(await answers(mine.url)).to.equal(false);
  });

  it("start: refuses data of another release", async () => {
    mkdirSync(join(folder.path, "data"));
    writeFileSync(join(folder.path, "data", "PG_VERSION"), "12\n");
    const error = await rejection("embeddedPostgres/version", () => start(folder.path));
    expect(error.payload).to.deep.include({ found: "12" });
  });
});

describe("migrate", () => {
  const folder = tempFolder();
  let server: Awaited<ReturnType<typeof start>>;
  let pool: pg.Pool;
  before(async () => {
    server = await start(folder.path);
    pool = createPool({ url: server.url });
  });
  after(async () => {
    await pool.end();
    await server.release();
    folder.remove();
  });

  const MIGRATIONS = ["CREATE TABLE item (id integer PRIMARY KEY)", "ALTER TABLE item ADD COLUMN name text; INSERT INTO item VALUES (1, 'one')"];

  it("migrate: runs each step once when called again and by several at once", async () => {
    const results = await Promise.all(Array.from({ length: 3 }, () => migrate(pool, "shop", MIGRATIONS)));
    expect(results.map(({ from }) => from).sort()).to.deep.equal([0, 2, 2]);
    expect((await pool.query("SELECT * FROM shop.item")).rows).to.deep.equal([{ id: 1, name: "one" }]);
  });

  it("migrate: refuses when the schema is newer than the release", async () => {
    const error = await rejection("postgres/schemaNewer", () => migrate(pool, "shop", MIGRATIONS.slice(0, 1)));
    expect(error.payload).to.deep.equal({ schema: "shop", found: 2, known: 1 });
  });

  it("migrate: leaves the version before whole when a step fails half way", async () => {
    const error = await rejection("postgres/migrationFailed", () => migrate(pool, "shop", [...MIGRATIONS, "INSERT INTO item VALUES (2, 'two'); SELECT nonsense"]));
    expect(error.payload).to.deep.equal({ schema: "shop", version: 3 });
    expect((await pool.query("SELECT count(*)::int AS count FROM shop.item")).rows).to.deep.equal([{ count: 1 }]);
    expect(await migrate(pool, "shop", [...MIGRATIONS, "INSERT INTO item VALUES (2, 'two')"])).to.deep.equal({ from: 2, to: 3 });
  });

  it("inTransaction: rolls back when the work rejects", async () => {
    const failure = await inTransaction(pool, async (client) => {
      await client.query("INSERT INTO shop.item VALUES (9, 'nine')");
      throw new Error("changed my mind");
    }).catch((error: Error) => error.message);
    expect(failure).to.equal("changed my mind");
    expect((await pool.query("SELECT * FROM shop.item WHERE id = 9")).rowCount).to.equal(0);
  });

  it("pool: survives when the server ends an idle connection", async () => {
    const errors: Error[] = [];
    const fragile = createPool({ url: server.url, onIdleError: (error) => errors.push(error) });
    const { rows } = await fragile.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    await pool.query("SELECT pg_terminate_backend($1)", [rows[0]!.pid]);
    while (errors.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect((await fragile.query("SELECT 1")).rowCount).to.equal(1);
    await fragile.end();
  });
});

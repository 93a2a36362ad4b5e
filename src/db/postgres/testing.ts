// Private Postgres for tests: a cluster of Debian's binaries on a unix socket, one template, a database for each folder of a test.
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SQL } from "bun";
import { connect, type Postgres } from "./driver.ts";
import { migrate } from "./migrate.ts";

const DEBIAN = "/usr/lib/postgresql";
const TEMPLATE = "flow2api_template";

/** Folder of the newest binaries: FLOW2API_TEST_POSTGRES, or Debian's; null: there are none. */
function binaries(): string | null {
  const given = process.env.FLOW2API_TEST_POSTGRES;
  if (given !== undefined) return given;
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).filter((name) => existsSync(join(DEBIAN, name, "bin", "initdb"))) : [];
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? null : join(DEBIAN, newest, "bin");
}

const found = binaries();

/** Whether tests on Postgres run here. Where CI is set they always do, and fail without it. */
export const hasPostgres = found !== null || Boolean(process.env.CI);
if (!hasPostgres)
  console.error(
    `!!! No Postgres in ${DEBIAN}: THE STORE IS NOT TESTED ON POSTGRES. Install the package postgresql, or set FLOW2API_TEST_POSTGRES.`,
  );

type Command = { command: string[]; env?: Record<string, string> };

/** initdb refuses root: run as the user that Debian's package makes. The server dies with this process. */
const asUser = (folder: string, command: string[]): Command => {
  const identity = process.getuid?.() === 0 ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
  return { command: ["setpriv", ...identity, "--pdeathsig=QUIT", ...command], env: { HOME: folder, PATH: process.env.PATH ?? "" } };
};

async function run(folder: string, command: string[]): Promise<void> {
  const { command: cmd, env } = asUser(folder, command);
  const child = Bun.spawn(cmd, { cwd: folder, env, stdout: "ignore", stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(`${command[0]} failed: ${await new Response(child.stderr).text()}`);
}

type Settings = Record<string, string>;

/** A running server. */
export class Cluster {
  private constructor(
    readonly folder: string,
    private readonly bin: string,
    private server: Bun.Subprocess,
    private readonly settings: Settings,
  ) {}

  /** @param settings beside those for tests: a bench wants a disk that is flushed */
  static async start(settings: Settings = {}): Promise<Cluster> {
    if (found === null) throw new Error(`There is no Postgres in ${DEBIAN}: install the package postgresql.`);
    const folder = mkdtempSync(join(tmpdir(), "f2a-pg-"));
    if (process.getuid?.() === 0) chownSync(folder, ...owner());
    chmodSync(folder, 0o755);
    await run(folder, [
      join(found, "initdb"),
      "--no-sync",
      "-D",
      join(folder, "data"),
      "-A",
      "trust",
      "-U",
      "flow2api",
      "-E",
      "UTF8",
      "--locale=C",
    ]);
    const cluster = new Cluster(folder, found, serve(folder, found, settings), settings);
    process.once("exit", cluster.stop);
    await cluster.#ready();
    return cluster;
  }

  get pid(): number {
    return this.server.pid;
  }

  url(database: string): string {
    return `postgres://flow2api@localhost/${database}?host=${encodeURIComponent(this.folder)}`;
  }

  /** Runs statements as the owner of the cluster. */
  async execute(statements: string, database = "postgres"): Promise<void> {
    const sql = new SQL({ url: this.url(database), max: 1 });
    try {
      await sql.unsafe(statements);
    } finally {
      await sql.close({ timeout: 1 });
    }
  }

  /** As after a crash of the server, or a power failure of its machine. */
  async kill(): Promise<void> {
    this.server.kill("SIGQUIT");
    await this.server.exited;
  }

  async restart(): Promise<void> {
    this.server = serve(this.folder, this.bin, this.settings);
    await this.#ready();
  }

  async #ready(): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.execute("SELECT 1");
      } catch (error) {
        if (attempt > 300 || this.server.exitCode !== null) throw error;
        await Bun.sleep(50);
      }
    }
  }

  /** Ends the server and deletes its folder. */
  stop = (): void => {
    process.off("exit", this.stop);
    this.server.kill("SIGQUIT");
    rmSync(this.folder, { recursive: true, force: true });
  };
}

function owner(): [number, number] {
  const id = (flag: string) => Number(Bun.spawnSync(["id", flag, "postgres"]).stdout.toString());
  return [id("-u"), id("-g")];
}

/** Nothing of it outlives the test, so nothing of it is flushed to the disk; what is durable is known by what it asks for. */
const SETTINGS: Settings = { fsync: "off", full_page_writes: "off", listen_addresses: "", max_connections: "200", shared_buffers: "64MB" };

function serve(folder: string, bin: string, more: Settings): Bun.Subprocess {
  const settings = Object.entries({ ...SETTINGS, ...more }).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const { command, env } = asUser(folder, [join(bin, "postgres"), "-D", join(folder, "data"), "-k", folder, ...settings]);
  return Bun.spawn(command, { cwd: folder, env, stdout: "ignore", stderr: "ignore" });
}

let shared: Promise<Cluster> | null = null;

/** The cluster of this process, with the template of an empty store. */
export function sharedCluster(): Promise<Cluster> {
  shared ??= Cluster.start().then(async (cluster) => {
    await cluster.execute(`CREATE DATABASE ${TEMPLATE}`);
    const db = connect({ url: cluster.url(TEMPLATE) });
    await migrate(db).finally(() => db.close());
    return cluster;
  });
  return shared;
}

const databases = new Map<string, string>();
let count = 0;

/** A name that no other database of this process has. */
const newName = (kind: "test" | "empty"): string => `${kind}_${process.pid}_${++count}`;

/** Address of the database that stands for a test's folder: made on first use, dropped when the folder is gone and another is made. */
export async function databaseOf(folder: string): Promise<string> {
  const cluster = await sharedCluster();
  const known = databases.get(folder);
  if (known !== undefined) return cluster.url(known);
  for (const [former, name] of databases) {
    if (existsSync(former)) continue;
    databases.delete(former);
    await cluster.execute(`DROP DATABASE ${name} WITH (FORCE)`);
  }
  const name = newName("test");
  databases.set(folder, name);
  await cluster.execute(`CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
  return cluster.url(name);
}

/** Address of a database without a table, which stays as long as the cluster. */
export async function emptyDatabase(): Promise<string> {
  const cluster = await sharedCluster();
  const name = newName("empty");
  await cluster.execute(`CREATE DATABASE ${name}`);
  return cluster.url(name);
}

/** A database without a table, and connections to it that are closed with it. */
export async function withEmptyDatabase(body: (open: () => Postgres) => Promise<void>): Promise<void> {
  const url = await emptyDatabase();
  const opened: Postgres[] = [];
  const open = () => {
    const db = connect({ url });
    opened.push(db);
    return db;
  };
  try {
    await body(open);
  } finally {
    for (const db of opened) await db.close();
    await (await sharedCluster()).execute(`DROP DATABASE ${new URL(url).pathname.slice(1)} WITH (FORCE)`);
  }
}

/** All rows of all tables of a folder's database, bytes of texts readable. */
export async function storedRows(folder: string): Promise<string> {
  const sql = new SQL({ url: await databaseOf(folder), max: 1 });
  try {
    await sql.unsafe("SET bytea_output = 'escape'");
    const tables = (await sql.unsafe("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")) as { name: string }[];
    const rows: { row: string }[] = [];
    for (const { name } of tables) rows.push(...((await sql.unsafe(`SELECT t::text AS row FROM ${name} t`)) as { row: string }[]));
    return rows.map(({ row }) => row).join("\n");
  } finally {
    await sql.close({ timeout: 1 });
  }
}

// Not within a test: one that runs out of time has the processes killed that it started, and all others would be without a server.
if (hasPostgres) await sharedCluster();

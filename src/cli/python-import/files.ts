// python-flow2api as it lies on disk: its database, only ever read, and its setting.toml.
import { Database } from "bun:sqlite";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "smol-toml";
import { AppError } from "../../errors.ts";

/** A row or a section; columns came and went over python-flow2api's versions, so that nothing is sure to be there. */
export type Fields = Record<string, unknown>;

export type PythonData = {
  /** Files that were read. */
  files: string[];
  tokens: Fields[];
  projects: Fields[];
  /** The one row of each configuration table, by the table's name; absent: empty. */
  config: Record<string, Fields>;
  /** Rows of tables that are not taken. */
  rows: Record<string, number>;
  /** Sections of setting.toml; empty without one. */
  toml: Record<string, Fields>;
};

const CONFIG_TABLES = ["admin_config", "proxy_config", "generation_config", "call_logic_config", "cache_config", "plugin_config"];
const OTHER_TABLES = ["tasks", "request_logs", "token_stats"];
const DATABASES = ["data/flow.db", "flow.db"];
const SETTINGS = ["config/setting.toml", "setting.toml"];

/**
 * Reads python-flow2api's folder, or one file of it.
 * @throws {AppError} `invalid_request` when nothing of it is there, or cannot be read
 */
export function readPythonData(name: string, cwd: string): PythonData {
  const path = resolve(cwd, name);
  if (!existsSync(path)) throw refuse(`${name}: expected a folder or file of the Python original, got no such file.`);
  const isFolder = statSync(path).isDirectory();
  const find = (names: string[]) => names.map((file) => join(path, file)).find(existsSync) ?? null;
  const toml = isFolder ? find(SETTINGS) : path.endsWith(".toml") ? path : null;
  const database = isFolder ? find(DATABASES) : toml ? null : path;
  if (!toml && !database) throw refuse(`${name}: expected data/flow.db or config/setting.toml in it, got neither.`);
  const files = [database, toml].filter((file) => file !== null);
  return {
    ...(database ? readDatabase(database) : { tokens: [], projects: [], config: {}, rows: {} }),
    toml: toml ? readToml(toml) : {},
    files,
  };
}

const refuse = (message: string, cause?: unknown) => new AppError("invalid_request", message, { cause });

function readDatabase(file: string): Omit<PythonData, "files" | "toml"> {
  try {
    return withDatabase(file, readTables);
  } catch (error) {
    throw error instanceof AppError
      ? error
      : refuse(`${file}: expected the original's database, got something that cannot be read.`, error);
  }
}

/** A database that somebody has open is read in place; another one from a copy, for reading would leave files beside it. */
function withDatabase<T>(file: string, act: (db: Database) => T): T {
  const inUse = existsSync(`${file}-wal`) && existsSync(`${file}-shm`);
  const folder = mkdtempSync(join(tmpdir(), "flow2api-import-"));
  try {
    const readable = inUse ? file : join(folder, "flow.db");
    if (!inUse) {
      copyFileSync(file, readable);
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${readable}-wal`);
    }
    const db = new Database(readable, { readonly: true });
    try {
      return act(db);
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readTables(db: Database): Omit<PythonData, "files" | "toml"> {
  const known = new Set(
    db
      .query<{ name: string }, []>("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map(({ name }) => name),
  );
  if (!known.has("tokens")) throw refuse(`${db.filename}: expected the original's database, got one without tokens.`);
  const all = (table: string) => (known.has(table) ? db.query<Fields, []>(`SELECT * FROM ${table}`).all() : []);
  const count = (table: string) => (known.has(table) ? db.query<{ n: number }, []>(`SELECT count(*) AS n FROM ${table}`).get()!.n : 0);
  return {
    tokens: all("tokens"),
    projects: all("projects"),
    config: Object.fromEntries(
      CONFIG_TABLES.flatMap((table) =>
        all(table)
          .slice(0, 1)
          .map((row) => [table, row]),
      ),
    ),
    rows: Object.fromEntries(OTHER_TABLES.map((table) => [table, count(table)])),
  };
}

function readToml(file: string): PythonData["toml"] {
  try {
    const document: Fields = parse(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
    const sections = Object.entries(document).filter(([, section]) => typeof section === "object" && section !== null);
    return Object.fromEntries(sections) as PythonData["toml"];
  } catch (error) {
    // The parser's message would quote the file.
    throw refuse(`${file}: expected TOML, got something else.`, error);
  }
}

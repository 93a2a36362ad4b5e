// Postgres server: what a server must be for this store, and how it is named without its secrets.
import { AppError } from "../../errors.ts";
import type { Reader } from "./driver.ts";

/** Postgres 14 and later. */
const OLDEST = 14;

/** @throws {AppError} `conflict` for a server that is too old, a database in another encoding, or a replica */
export async function checkServer(sql: Reader): Promise<void> {
  const row = await sql.get<{ version: number; encoding: string; isReplica: boolean }>(
    `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() AS "isReplica"`,
  );
  const { version, encoding, isReplica } = row!;
  const fault = faultOf(Math.floor(version / 10_000), encoding, isReplica);
  if (fault) throw new AppError("conflict", `storage.database_url: expected ${fault}`);
}

/** Null: it will do. */
export function faultOf(version: number, encoding: string, isReplica: boolean): string | null {
  if (version < OLDEST) return `Postgres ${OLDEST} or later, got ${version}`;
  if (encoding !== "UTF8") return `a database in the encoding UTF8, got ${encoding}`;
  return isReplica ? "the primary of the database, got a replica that cannot be written" : null;
}

/** Host, database and user of an address; never its password or parameters. */
export function describeServer(url: string): string {
  const { hostname, port, pathname, username, searchParams } = new URL(url);
  const host = decodeURIComponent(searchParams.get("host") ?? hostname);
  const place = port === "" ? host : `${host}:${port}`;
  const user = decodeURIComponent(searchParams.get("user") ?? username);
  return `a Postgres server at ${place} with the database ${decodeURIComponent(pathname.slice(1))}${user === "" ? "" : `, open to ${user}`}`;
}

// SQL of login failures: a row under each name, locked before a try is decided.
import { type Failures, type LoginTry, loginWaitMs, withFailure, withoutFailures } from "../../../domain/login-failures.ts";
import type { Sql } from "../driver.ts";

type Row = { name: string; failures: string };
type Known = ReadonlyMap<string, Failures>;

const namesOf = ({ own, all }: LoginTry): string[] => (all ? [own.name, all.name] : [own.name]);

const known = (rows: readonly Row[]): Known => new Map(rows.map(({ name, failures }) => [name, JSON.parse(failures) as Failures]));

const waitOf = (tried: LoginTry, rows: Known): number =>
  loginWaitMs(tried, rows.get(tried.own.name) ?? {}, rows.get(tried.all?.name ?? "") ?? {});

/** Made where they are not there, and locked in the order of their names. */
async function lock(sql: Sql, tried: LoginTry): Promise<Known> {
  const bound = { names: namesOf(tried).sort(), at: tried.at };
  await sql.run(
    `INSERT INTO login_failures (name, failures, at) SELECT name, '{}', $at::bigint FROM unnest($names::text[]) name ORDER BY name
     ON CONFLICT (name) DO NOTHING`,
    bound,
  );
  return known(
    await sql.all<Row>("SELECT name, failures FROM login_failures WHERE name = ANY ($names::text[]) ORDER BY name FOR UPDATE", {
      names: bound.names,
    }),
  );
}

async function write(sql: Sql, name: string, failures: Failures, at: number): Promise<void> {
  await sql.run("UPDATE login_failures SET failures = $failures, at = $at WHERE name = $name", {
    ...{ name, at },
    failures: JSON.stringify(failures),
  });
}

export async function countLoginTry(sql: Sql, tried: LoginTry): Promise<number> {
  const rows = await lock(sql, tried);
  const wait = waitOf(tried, rows);
  if (wait > 0) return wait;
  for (const [name, failures] of rows) await write(sql, name, withFailure(failures, tried.subject, tried.at), tried.at);
  return 0;
}

export async function endLoginFailures(sql: Sql, tried: LoginTry): Promise<void> {
  for (const [name, failures] of await lock(sql, tried))
    await write(sql, name, withoutFailures(failures, tried, { isKnown: name === tried.own.name }), tried.at);
}

/** Says how many went. */
export function deleteLoginFailuresBefore(sql: Sql, at: number): Promise<number> {
  return sql.run("DELETE FROM login_failures WHERE at < $at", { at });
}

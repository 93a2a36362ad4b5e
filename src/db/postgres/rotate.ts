// Secret key rotation while nodes serve: every value is sealed again with the first of two keys.

import { KEY_CHECK, SEALED, SECRET } from "../sealed.ts";
import { createVault, createVaultOfTwo, type Vault } from "../vault.ts";
import { insertAudit } from "./audit.ts";
import { type ConnectOptions, connect, type Postgres, type Sql } from "./driver.ts";
import { writeFact } from "./settings.ts";

export type PostgresRotation = {
  /** Values sealed again. */
  values: number;
  /** Ids of tokens whose secret another token has too: added twice while two keys were in use. */
  twice: number[];
};

type RotateOptions = Pick<ConnectOptions, "url" | "directUrl"> & {
  /** Seals from now on. */
  key: Uint8Array;
  /** Opens what is not sealed again yet. All nodes have both. */
  former: Uint8Array;
  trail: Parameters<typeof insertAudit>[1];
};

const SLICE = 200;

type Sealed = (typeof SEALED)[number];
type Box = { id: number | string; box: Uint8Array };

/**
 * Seals again what the former key has sealed, slice by slice. A value that a node writes meanwhile is left as the node wrote it.
 * Given again after it was cut off, it goes on.
 */
export async function rotateSecret({ key, former, trail, ...place }: RotateOptions): Promise<PostgresRotation> {
  const db = connect(place);
  try {
    const vaults = { next: createVault(key), both: createVaultOfTwo(key, former) };
    let values = 0;
    for (const column of SEALED) values += await sealColumn(db, column, vaults);
    const twice = await sealMacs(db, vaults.next);
    await db.transaction(async (sql) => {
      await writeFact(sql, KEY_CHECK, Buffer.from(vaults.next.seal(KEY_CHECK, KEY_CHECK)).toString("base64"));
      await insertAudit(sql, trail);
    });
    return { values, twice };
  } finally {
    await db.close();
  }
}

type Vaults = { next: Vault; both: Vault };

async function sealColumn(db: Postgres, sealed: Sealed, vaults: Vaults): Promise<number> {
  const { table, key, column } = sealed;
  let after: Box["id"] | null = null;
  let count = 0;
  for (;;) {
    const from: string = after === null ? "" : `AND ${key} > $after`;
    const rows: Box[] = await db.all<Box>(
      `SELECT ${key} AS id, ${column} AS box FROM ${table} WHERE ${column} IS NOT NULL ${from} ORDER BY ${key} LIMIT ${SLICE}`,
      after === null ? {} : { after },
    );
    const old = rows.filter(({ box }) => !opens(vaults.next, sealed, box));
    if (old.length > 0) count += await db.transaction((sql) => sealRows(sql, sealed, old, vaults));
    if (rows.length < SLICE) return count;
    after = rows.at(-1)!.id;
  }
}

async function sealRows(sql: Sql, { table, key, column, purpose }: Sealed, rows: readonly Box[], { next, both }: Vaults): Promise<number> {
  let count = 0;
  for (const { id, box } of rows)
    count += await sql.run(`UPDATE ${table} SET ${column} = $fresh WHERE ${key} = $id AND ${column} = $box`, {
      id,
      box,
      fresh: next.seal(purpose, both.open(purpose, box)),
    });
  return count;
}

function opens(vault: Vault, { purpose }: Sealed, box: Uint8Array): boolean {
  try {
    vault.open(purpose, box);
    return true;
  } catch {
    return false;
  }
}

/** After the secrets themselves: a keyed hash cannot be turned back. */
async function sealMacs(db: Postgres, next: Vault): Promise<number[]> {
  const twice: number[] = [];
  const rows = await db.all<{ id: number; secret: Uint8Array }>("SELECT id, secret FROM tokens ORDER BY id");
  for (const { id, secret } of rows) {
    const mac = next.mac(SECRET, next.open(SECRET, secret));
    const taken = await db.transaction(async (sql) => {
      const changed = await sql.run(
        `UPDATE tokens SET secret_mac = $mac WHERE id = $id
           AND NOT EXISTS (SELECT 1 FROM tokens AS other WHERE other.provider = tokens.provider AND other.secret_mac = $mac AND other.id <> $id)`,
        { id, mac },
      );
      return changed === 0;
    });
    if (taken) twice.push(id);
  }
  return twice;
}

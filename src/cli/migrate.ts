// flow2api migrate: copies an installation to another engine or bucket: SQLite to Postgres, folder to S3, and back.

import { join, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { copiedAt, copyStore } from "../db/copy/copy-store.ts";
import { openEnd, type StorePlace } from "../db/copy/open-end.ts";
import type { StoreEnd } from "../db/copy/store-end.ts";
import { laySecretKey } from "../db/sqlite/secrets.ts";
import { engineOf } from "../store-engine.ts";
import { readConfig, withAbsoluteFolder } from "./folder.ts";
import { copyMedia, mediaInFiles, mediaPlace, mediaSourceOf, missingMedia } from "./migrate-media.ts";
import { defineVerb, FOLDER_OPTIONS, type Io, usageError } from "./verb.ts";

export const migrate = defineVerb({
  name: "migrate",
  summary: "Copy this installation to another database or bucket; the source stays as it is.",
  options: {
    to: { type: "string", value: "PLACE", help: "postgres://… or a folder (SQLite)", required: true },
    "media-to": { type: "string", value: "PLACE", help: "s3://bucket/prefix or a folder; absent: media stay where they are" },
    verify: { type: "boolean", help: "read every copied file back and compare its content" },
    ...FOLDER_OPTIONS,
  },
  notes: () =>
    "Servers of the source and of the target are stopped. What was cut off goes on when the same command is given again.\n" +
    "Rows are compared by count and checksum, those of the request log by their ids, media by count and size.\n",
  async run({ values, io }) {
    const config = withAbsoluteFolder(readConfig(values, io), io);
    const source = sourceOf(config);
    const target = placeOf(values.to, io);
    if (isSamePlace(source, target)) throw usageError(`--to: expected another place than the one in use, got ${describe(target)}`);
    const { secretKey } = engineOf(config, io.env);
    // Both ends are sealed with the same key.
    if ("folder" in target && io.env.FLOW2API_SECRET_KEY === undefined) laySecretKey(target.folder, secretKey);
    {
      await using from = await openEnd(source, secretKey);
      await using to = await openEnd(target, secretKey);
      await copyRows(from.end, to.end, { source, target, io });
    }
    if (values["media-to"] !== undefined) await moveMedia(config, values["media-to"], { verify: values.verify, io });
    tellNext({ target, mediaTo: values["media-to"], io });
    return 0;
  },
});

async function copyRows(
  from: StoreEnd,
  to: StoreEnd,
  { source, target, io }: { source: StorePlace; target: StorePlace; io: Io },
): Promise<void> {
  const name = describe(source);
  const endedAt = await copiedAt(to, name);
  if (endedAt !== null) {
    const at = new Date(endedAt).toISOString();
    return io.stdout(`Rows were copied to ${describe(target)} at ${at} already; a newer copy goes into an empty place.\n`);
  }
  io.stdout(`Copying ${name} to ${describe(target)}\n`);
  await copyStore({ from, to, source: name, now: io.now(), onTable: (table, rows) => io.stdout(`  ${table}: ${rows}\n`) });
  io.stdout("Every table was compared: counts and checksums are equal. The request log was compared by the ids of its rows.\n");
}

const sourceOf = ({ settings: { storage } }: Config): StorePlace =>
  storage.database_url === "" ? { folder: storage.data_dir } : { url: storage.database_url, directUrl: storage.database_direct_url };

function placeOf(text: string, io: Io): StorePlace {
  if (/^postgres(ql)?:\/\//.test(text)) return { url: text };
  if (text.includes("://")) throw usageError(`--to: expected postgres://… or a folder, got ${text.slice(0, text.indexOf("://"))}://…`);
  return { folder: resolve(io.cwd, text) };
}

const isSamePlace = (one: StorePlace, other: StorePlace): boolean =>
  Bun.deepEquals(one, { directUrl: "", ...other }) || Bun.deepEquals(one, other);

/** Without a password. */
function describe(place: StorePlace): string {
  if ("folder" in place) return place.folder;
  const url = URL.parse(place.url);
  return url ? `postgres://${url.host}${url.pathname}` : "the database";
}

async function moveMedia(config: Config, mediaTo: string, { verify, io }: { verify: boolean; io: Io }): Promise<void> {
  const { storage } = config.settings;
  const from = mediaSourceOf(storage);
  const to = mediaPlace(mediaTo.startsWith("s3://") ? mediaTo : resolve(io.cwd, mediaTo), storage);
  const store = await engineOf(config, io.env).openStore();
  try {
    const media = mediaInFiles(store);
    const { copied, present, bytes, missing } = await copyMedia({
      from,
      to,
      media,
      scratch: join(storage.data_dir, "media", "drafts"),
      verify,
    });
    io.stdout(`Media: ${copied} copied to ${to.name} (${bytes} bytes), ${present} were there already.\n`);
    if (missing > 0) io.stderr(missingMedia(missing, from));
  } finally {
    await store.close();
  }
}

function tellNext({ target, mediaTo, io }: { target: StorePlace; mediaTo: string | undefined; io: Io }): void {
  io.stdout("The source is as it was. To use the copy, set for every server:\n");
  if ("folder" in target) io.stdout(`  storage.data_dir = "${target.folder}", and no storage.database_url\n`);
  else
    io.stdout("  storage.database_url = the address given with --to, FLOW2API_SECRET_KEY = the content of secret.key, or the key in use\n");
  if (mediaTo?.startsWith("s3://")) io.stdout(`  storage.media_url = "${mediaTo}"\n`);
}

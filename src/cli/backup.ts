// flow2api backup: one tar file of the data folder, also while a server uses it.
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { writeBackup } from "../db/sqlite/backup/backup-file.ts";
import { findSecretKey } from "../db/sqlite/secrets.ts";
import { AppError } from "../errors.ts";
import { openContent } from "./backup-content.ts";
import { readConfig, withAbsoluteFolder } from "./folder.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const backup = defineVerb({
  name: "backup",
  summary: "Write a backup (a tar file), also while the server runs; lists what is not in it.",
  positionals: ["FILE"],
  options: {
    requests: { type: "boolean", help: "with the request log" },
    media: { type: "boolean", help: "with the media that lie in files or in a bucket" },
    "with-secret": { type: "boolean", help: "with the secret key: whoever has the file then has the tokens" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, positionals, io }) {
    const config = withAbsoluteFolder(readConfig(values, io), io);
    const home = config.settings.storage.data_dir;
    const { requests, media } = values;
    const secretKey = values["with-secret"] ? findSecretKey(home, io.env) : null;
    if (values["with-secret"] && !secretKey) throw new AppError("not_found", `There is no secret key for ${home}.`);
    const file = resolve(io.cwd, positionals[0]!);
    if (!existsSync(dirname(file))) throw new AppError("not_found", `There is no folder ${dirname(file)}.`);
    if (existsSync(file)) throw new AppError("conflict", `${file} is there already.`);
    await using content = await openContent(config, { requests, media, file, io });
    const { dataDir } = content;
    const { bytes, holds, lacks } = await writeBackup({
      dataDir,
      file,
      requests,
      media,
      secretKey,
      now: io.now(),
    });
    io.stdout(`${file}: ${bytes} bytes\n`);
    for (const part of holds) io.stdout(`  holds ${part}\n`);
    for (const part of lacks) io.stdout(`  lacks ${part}\n`);
    return 0;
  },
});

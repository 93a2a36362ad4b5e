// Reads a text as setting.toml, from a file that is written again each time.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, loadConfig } from "../../src/config/config.ts";

let folder: string | null = null;

export function readSettings(text: string): Config {
  folder ??= mkdtempSync(join(tmpdir(), "flow2api-fuzz-"));
  const file = join(folder, "setting.toml");
  writeFileSync(file, text);
  return loadConfig({ file, env: {}, flags: {} });
}

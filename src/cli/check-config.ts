// flow2api check-config: the settings in force and where each comes from.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { SETTINGS, type SettingValue, showValue } from "../config/settings-keys.ts";
import { settingsText } from "../config/settings-toml.ts";
import { assertModelsFile, dataDirOf, openFolder, readConfig } from "./folder.ts";
import { rowsText } from "./table.ts";
import { type Call, defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const checkConfig = defineVerb({
  name: "check-config",
  summary: "Print the settings in force and where each comes from, or what is wrong with them.",
  options: { defaults: { type: "boolean", help: "print a commented setting.toml with every default instead" }, ...FOLDER_OPTIONS },
  async run({ values, io }) {
    if (values.defaults) {
      io.stdout(settingsText());
      return 0;
    }
    const config = await effectiveConfig({ values, io });
    for (const warning of config.warnings) io.stderr(`${warning}\n`);
    io.stdout(configText(config));
    return 0;
  },
});

/** With the settings of the database where there is one; nothing is created. */
async function effectiveConfig({ values, io }: Pick<Call<typeof FOLDER_OPTIONS>, "values" | "io">): Promise<Config> {
  const config = readConfig(values, io);
  assertModelsFile(config, io);
  if (!existsSync(join(dataDirOf(config, io), "flow2api.db"))) return config;
  await using folder = await openFolder(values, io);
  return folder.config;
}

function configText({ settings, origins, file }: Config): string {
  const rows = SETTINGS.map((setting) => {
    const section: Record<string, SettingValue> = settings[setting.section];
    const origin = origins[setting.key];
    return [`${setting.key} = ${showValue(setting, section[setting.name])}`, origin === "file" ? `${origin} ${file}` : origin];
  });
  return rowsText(rows);
}

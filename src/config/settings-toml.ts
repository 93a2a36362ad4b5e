// The text of config/setting.toml, made from the schema: every key with its default, meaning and bounds.
import { SETTINGS, type Setting } from "./settings-keys.ts";

const HEAD = `# Settings of flow2api. Every key is here with its default; a file may hold only what differs.
#
# What counts, least first: these defaults, this file, what is edited in the admin panel, the environment, flags.
# In the environment a key is FLOW2API_SECTION_KEY, e.g. FLOW2API_POOL_WAIT_MS=5000; lists are comma separated.
# A bare number is seconds; other units are in the name. "At start" means that a change needs a restart.
`;

/** Every setting as commented TOML that parses to the defaults. */
export function settingsText(): string {
  const sections = Map.groupBy(SETTINGS, (setting) => setting.section);
  const tables = [...sections].map(([section, settings]) => `[${section}]\n${settings.map(settingText).join("\n")}`);
  return [HEAD, ...tables].join("\n");
}

function settingText(setting: Setting): string {
  const notes = [setting.description, capitalised(setting.expected), ...(setting.boot ? ["At start"] : [])];
  return `# ${notes.join(". ")}.\n${setting.name} = ${JSON.stringify(setting.default)}\n`;
}

const capitalised = (text: string) => text[0]!.toUpperCase() + text.slice(1);

// config/setting.toml is what the schema says, no more and no less.
import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { loadConfig } from "./config.ts";
import { SETTINGS } from "./settings-keys.ts";
import { settingsText } from "./settings-toml.ts";

const file = `${import.meta.dir}/../../config/setting.toml`;

test("config/setting.toml is the generated text (bun src/main.ts check-config --defaults)", async () => {
  expect(await Bun.file(file).text()).toBe(settingsText());
});

test("it parses to the defaults", () => {
  const defaults = loadConfig({ file: null, env: {}, flags: {} });
  expect(loadConfig({ file, env: {}, flags: {} }).settings).toEqual(defaults.settings);
  expect(parse(settingsText()) as unknown).toEqual(defaults.settings);
});

test("it holds every key, each under a comment with its meaning and what is expected", () => {
  const text = settingsText();
  for (const setting of SETTINGS) {
    const [comment] = text.split(`\n${setting.name} = `).map((before) => before.slice(before.lastIndexOf("\n") + 1));
    expect(comment).toStartWith("# ");
    expect(text).toContain(`# ${setting.description}. ${setting.expected[0]!.toUpperCase()}${setting.expected.slice(1)}.`);
  }
});

test("every default is accepted, and environment names are unique", () => {
  expect(SETTINGS.filter((setting) => !setting.accepts(setting.default)).map(({ key }) => key)).toEqual([]);
  expect(new Set(SETTINGS.map(({ environment }) => environment)).size).toBe(SETTINGS.length);
});

// What is handed to systemd and compose, held against what the program reads.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { DEFAULT_FILE, loadConfig } from "../src/config/config.ts";
import { SETTINGS } from "../src/config/settings-keys.ts";

const root = join(import.meta.dir, "..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");
const unit = textOf("deploy/flow2api.service");
const compose = Bun.YAML.parse(textOf("deploy/compose.yaml")) as {
  services: { flow2api: { environment: Record<string, string>; volumes: string[]; ports: string[]; stop_grace_period: string } };
};
const service = compose.services.flow2api;
const dockerfile = textOf("Dockerfile");

/** `KEY=value` of each line that begins with `word`. */
const assignments = (text: string, word: RegExp) =>
  text
    .split("\n")
    .filter((line) => word.test(line))
    .flatMap((line) => line.replace(word, "").split(" "))
    .map((pair) => pair.split("=") as [string, string]);

const ENVIRONMENTS = {
  "deploy/flow2api.service": Object.fromEntries(assignments(unit, /^Environment=/)),
  "deploy/compose.yaml": service.environment,
  Dockerfile: Object.fromEntries(assignments(dockerfile, /^ENV /)),
};

test.each(Object.entries(ENVIRONMENTS))("every name that %s sets is one that is read, with a value that is accepted", (_file, env) => {
  expect(loadConfig({ file: null, env, flags: {} }).warnings).toEqual([]);
});

test("the settings file and the data folder are where the texts say", () => {
  const { WorkingDirectory = "" } = Object.fromEntries(assignments(unit, /^(?=WorkingDirectory=)/));
  expect(unit).toContain(`settings (optional) in ${posix.join(WorkingDirectory, DEFAULT_FILE)}\n`);
  const folder = ENVIRONMENTS["deploy/flow2api.service"].FLOW2API_STORAGE_DATA_DIR;
  expect(unit).toContain(`StateDirectory=${posix.basename(folder!)}\n`);
  for (const reported of ["first-start.txt", "flow2api token list --data"]) expect(unit).toContain(reported);
  expect(unit).toContain(`${folder}/first-start.txt`);
  expect(service.volumes).toEqual([`data:${ENVIRONMENTS.Dockerfile.FLOW2API_STORAGE_DATA_DIR}`]);
  expect(textOf("deploy/compose.yaml")).toContain(posix.join("/", DEFAULT_FILE));
  expect(dockerfile).toMatch(/^WORKDIR \/$/m);
});

test("the port is the default one, and both wait longer for a stop than open responses may take", () => {
  const defaultOf = (key: string) => SETTINGS.find((setting) => setting.key === key)!.default as number;
  expect(service.ports).toEqual([`127.0.0.1:${defaultOf("server.port")}:${defaultOf("server.port")}`]);
  expect(dockerfile).toContain(`EXPOSE ${defaultOf("server.port")}\n`);
  const drain = defaultOf("server.drain_timeout");
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1])).toBeGreaterThan(drain);
  expect(Number.parseInt(service.stop_grace_period, 10)).toBeGreaterThan(drain);
});

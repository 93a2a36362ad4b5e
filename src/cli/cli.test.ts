// Finding the verb and reading its arguments: help, mistakes, exit codes.
import { afterAll, describe, expect, test } from "bun:test";
import { FAULTS } from "../simulator/faults.ts";
import { OPERATIONS } from "../simulator/operations.ts";
import { temporaryFolder } from "../testing.ts";
import { VERSION } from "../version.ts";
import { VERBS } from "./cli.ts";
import { runRecorded } from "./testing.ts";

const verbs = await Promise.all(Object.values(VERBS).map((load) => load()));
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const cli = (...argv: string[]) => runRecorded({ cwd: folder.path }, ...argv);

test("every verb is found by its name", () => {
  expect(verbs.map(({ name }) => name)).toEqual(Object.keys(VERBS));
});

describe("help", () => {
  test.each(["--help", "-h", "help"])("%s lists every command", async (word) => {
    const { code, out, err } = await cli(word);
    expect([code, err]).toEqual([0, ""]);
    for (const verb of verbs) expect(out).toContain(`\n  ${verb.name} `);
  });

  test.each(verbs.map((verb) => [verb.name, verb] as const))("%s --help lists every option and does nothing else", async (name, verb) => {
    const { code, out, err } = await cli(...name.split(" "), "--help");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toStartWith(verb.summary);
    expect(out).toContain(`\nUsage: flow2api ${name}`);
    for (const option of Object.keys(verb.options)) expect(out).toContain(`\n  --${option}`);
  });

  test("half a command's help lists what it may go on with", async () => {
    const { code, out } = await cli("key", "--help");
    expect(code).toBe(0);
    expect(out).toContain("key create");
    expect(out).toContain("key revoke");
    expect(out).not.toContain("token add");
  });

  test("simulate --help lists every fault and every operation it may strike", async () => {
    const { out } = await cli("simulate", "--help");
    for (const name of [...Object.keys(FAULTS), ...Object.keys(OPERATIONS)]) expect(out).toContain(`\n  ${name}`);
  });

  test("every verb but demo and simulate takes a data folder and a settings file", () => {
    const without = verbs.filter((verb) => !("data" in verb.options && "config" in verb.options));
    expect(without.map((verb) => verb.name)).toEqual(["demo", "simulate"]);
  });
});

describe("wrong usage exits 2, in one line and one line of usage", () => {
  test.each([
    ["servr", 'Unknown command "servr"; nearest is "serve".', "[command]"],
    ["token", '"token" is not a whole command: token add, token list, token set, token remove, token import, token export.', "[command]"],
    ["tokn add", 'Unknown command "tokn"; nearest is "token add".', "[command]"],
    ["kei", 'Unknown command "kei"; nearest is "key list".', "[command]"],
    ["token lst", 'Unknown command "token lst"; nearest is "token list".', "[command]"],
    [
      "token --json",
      '"token" is not a whole command: token add, token list, token set, token remove, token import, token export.',
      "[command]",
    ],
    ["serve --prot 80", 'Unknown option "--prot"; nearest is "--port".', "serve"],
    ["--prot 80", 'Unknown option "--prot"; nearest is "--port".', "serve"],
    ["serve -p 80", 'Unknown option "-p"; nearest is "--port".', "serve"],
    ["serve now", 'Unexpected argument after "serve".', "serve"],
    ["serve --port", "Option '--port <value>' argument missing", "serve"],
    ["serve --port http", 'command line: server.port: expected integer 0 to 65535, got "http"', "serve"],
    ["serve --port -1", "command line: server.port: expected integer 0 to 65535, got -1", "serve"],
    ["demo --host 0.0.0.0", "--host: expected 127.0.0.1: the demo listens on this machine only.", "demo"],
    ["demo --port 70000", "command line: server.port: expected integer 0 to 65535, got 70000", "demo"],
    ["demo --data x", 'Unknown option "--data"; nearest is "--port".', "demo"],
    ["simulate --seed x", '--seed: expected integer 0 to 4294967295, got "x".', "simulate"],
    ["simulate --port 65536", '--port: expected integer 0 to 65535, got "65536".', "simulate"],
    [
      "simulate --faults nonsense",
      '--faults: Fault "nonsense": expected operation=fault[(argument)][:probability|:once|:N][@secret-prefix]',
      "simulate",
    ],
    ["token list --json=yes", "Option '--json' does not take an argument", "token list"],
    ["token add --secret a", 'Missing option "--provider gemini|flow|vertex".', "token add"],
    ["token add --provider gemini", 'Missing option "--secret S|-".', "token add"],
    ["token add --provider google --secret a", '--provider: expected gemini, flow or vertex, got "google".', "token add"],
    [
      "token add --provider gemini --secret a --image-concurrency -2",
      "--image-concurrency: expected integer -1 to 1000, got -2.",
      "token add",
    ],
    [
      "token add --provider flow --secret a --video-concurrency many",
      '--video-concurrency: expected integer -1 to 1000, got "many".',
      "token add",
    ],
    ["token add --provider flow --secret -", "--secret: expected a secret, got nothing.", "token add"],
    ["key create", 'Missing option "--name N".', "key create"],
    ["key revoke", "Missing argument ID.", "key revoke"],
    ["key revoke 1 2", 'Unexpected argument after "key revoke".', "key revoke"],
    ["key revoke one", "ID: expected the number that key list shows.", "key revoke"],
    ["admin password", "There is no terminal to ask at: give --password - and the password on standard input.", "admin password"],
    [
      "admin password --password hunter2hunter2",
      "--password: expected - (standard input): others can see what is on a command line.",
      "admin password",
    ],
  ])("%s", async (line, message, usage) => {
    const { code, out, err } = await cli(...line.split(" "));
    const [first, second, ...rest] = err.split("\n");
    expect({ code, out, first, rest }).toEqual({ code: 2, out: "", first: message, rest: [""] });
    expect(second).toStartWith(`Usage: flow2api ${usage}`);
  });

  test("neither a stray argument nor a misspelt option shows its value", async () => {
    for (const line of ["token add canary-1", "token add --sceret=canary-1", "token add --provider flow --secret a canary-1"]) {
      const { code, out, err } = await cli(...line.split(" "));
      expect(code).toBe(2);
      expect(out + err).not.toContain("canary");
    }
  });
});

test.each(["version", "--version"])("%s prints name and version alone", async (word) => {
  expect(await cli(word)).toEqual({ code: 0, out: `flow2api ${VERSION}\n`, err: "" });
});

test("wrong usage creates nothing", async () => {
  await cli("key", "create");
  await cli("serve", "--port", "x");
  expect([...new Bun.Glob("**").scanSync({ cwd: folder.path, onlyFiles: false })]).toEqual([]);
});

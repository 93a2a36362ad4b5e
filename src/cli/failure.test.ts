// Mistakes with files, folders and addresses end in one line that names them, on the real system.
import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../errors.ts";
import { temporaryFolder } from "../testing.ts";
import { printFailure } from "./failure.ts";
import { recordedIo, runRecorded } from "./testing.ts";
import { version } from "./version.ts";

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const at = (name: string) => join(folder.path, name);
writeFileSync(at("file"), "");
mkdirSync(at("rubbish"));
writeFileSync(join(at("rubbish"), "flow2api.db"), "this is no database, and was never one");
writeFileSync(join(at("rubbish"), "secret.key"), randomBytes(32).toString("base64"));

test.each([
  ["token list --data file", "{}/file: something else is there already."],
  ["token list --data file/data", "{}/file/data: a part of it is no folder."],
  ["serve --port 0 --data file/data", "{}/file/data: a part of it is no folder."],
  ["token list --data rubbish", "{}/rubbish/flow2api.db cannot be opened: file is not a database"],
  ["serve --port 0 --data rubbish", "{}/rubbish/flow2api.db cannot be opened: file is not a database"],
  ["token export --file nowhere/tokens.json", "{}/nowhere/tokens.json: there is no such file or folder."],
  ["backup nowhere/b.tar", "There is no folder {}/nowhere."],
  ["serve --port 0 --host 192.0.2.1", "192.0.2.1 is no address of this machine: choose another with --host."],
  ["serve --port 0 --host nothing.invalid", "nothing.invalid is no address of this machine: choose another with --host."],
])("%s", async (line, message) => {
  const { code, err } = await runRecorded({ cwd: folder.path }, ...line.split(" "));
  expect([code, err]).toEqual([1, `${message.replace("{}", folder.path)}\n`]);
});

test("a taken port of the admin is reported as that", async () => {
  using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const env = { FLOW2API_ADMIN_PORT: `${taken.port}` };
  const { code, err } = await runRecorded({ cwd: folder.path, env }, "serve", "--port", "0", "--data", "admin-port");
  expect([code, err.split("\n").at(-2)]).toEqual([1, `Port ${taken.port} is taken; choose another with admin.port.`]);
});

function told(error: unknown) {
  const io = recordedIo({ cwd: folder.path });
  const code = printFailure(error, version, io);
  return [code, io.err];
}

test.each([
  [Object.assign(new Error("x"), { code: "ENOSPC", syscall: "write" }), [1, "The data folder: the disk is full.\n"]],
  [Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_WRITE" }), [1, "The database cannot be used: disk I/O error.\n"]],
  [new AppError("conflict", "The key is sk-f2a-abcdefgh."), [1, "The key is sk-f2a-….\n"]],
  [new AppError("invalid_request", "No.", { reason: "usage" }), [2, "No.\nUsage: flow2api version [--config FILE] [--data DIR]\n"]],
])("%#", (error, expected) => expect(told(error)).toEqual(expected));

test("a bug is reported with where it is, without secrets", () => {
  const [code, text] = told(new TypeError("sk-f2a-abcdefgh is undefined"));
  expect(code).toBe(1);
  expect(text).toStartWith("Internal error: TypeError: sk-f2a-… is undefined\n    at ");
});

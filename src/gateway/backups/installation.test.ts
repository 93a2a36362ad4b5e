// Name of an installation: it lasts as long as its folder, wherever that is moved, and no copy of the folder has it.
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../testing.ts";
import { INSTALLATION, installationOf } from "./installation.ts";

const contentOf = (folder: string) => readFileSync(join(folder, INSTALLATION), "utf8").trim().split(" ");

function copyOf(from: string, to: string): void {
  // File systems tell times of birth apart that are some ms apart.
  Bun.sleepSync(20);
  // With all times, as a person copies a folder.
  expect(Bun.spawnSync(["cp", "-a", from, to]).exitCode).toBe(0);
}

test("it stays, and only its owner reads it", () => {
  using folder = temporaryFolder();
  const word = installationOf(folder.path);
  expect(word).toMatch(/^[a-z2-7]{8}$/);
  expect([installationOf(folder.path), installationOf(folder.path)]).toEqual([word, word]);
  expect(statSync(join(folder.path, INSTALLATION)).mode & 0o777).toBe(0o600);
});

test("it moves with its folder", () => {
  using folder = temporaryFolder();
  const [before, after] = [join(folder.path, "before"), join(folder.path, "after")];
  mkdirSync(before);
  const word = installationOf(before);
  renameSync(before, after);
  expect(installationOf(after)).toBe(word);
});

test("a copy gets another and keeps that; the first keeps its own", () => {
  using folder = temporaryFolder();
  const [first, second] = [join(folder.path, "first"), join(folder.path, "second")];
  mkdirSync(first);
  const word = installationOf(first);
  copyOf(first, second);
  const other = installationOf(second);
  expect(other).toMatch(/^[a-z2-7]{8}$/);
  expect(other).not.toBe(word);
  expect([installationOf(first), installationOf(second)]).toEqual([word, other]);
});

test("the name that an earlier build made stays, and a copy of it made since has another", () => {
  using folder = temporaryFolder();
  const [first, second] = [join(folder.path, "first"), join(folder.path, "second")];
  mkdirSync(first);
  writeFileSync(join(first, INSTALLATION), "k3dq7mwa\n", { mode: 0o600 });
  expect([installationOf(first), installationOf(first)]).toEqual(["k3dq7mwa", "k3dq7mwa"]);
  copyOf(first, second);
  expect(installationOf(second)).not.toBe("k3dq7mwa");
});

test.each([
  ["inodes change", 1],
  ["times of birth are lost", 2],
])("it stays on a file system where %s", (_name, mark) => {
  using folder = temporaryFolder();
  const word = installationOf(folder.path);
  const content = contentOf(folder.path);
  content[mark] = "1";
  writeFileSync(join(folder.path, INSTALLATION), `${content.join(" ")}\n`);
  expect(installationOf(folder.path)).toBe(word);
});

test.each(["", "not a name", "k3dq7mwa 1 2 3", "../../etc"])("what is no name is replaced by one: %j", (content) => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, INSTALLATION), content);
  const word = installationOf(folder.path);
  expect(word).toMatch(/^[a-z2-7]{8}$/);
  expect(installationOf(folder.path)).toBe(word);
});

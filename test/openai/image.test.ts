// The final image without an engine: its root is laid out as the Dockerfile does, and the executable runs in it with nothing else there.
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../src/testing.ts";
import { EXECUTABLE, ensureExecutable } from "../executable.ts";

const root = join(import.meta.dir, "../..");

/** Runs the executable with `folder` as its root. Of the machine it sees only /proc, which every engine provides. */
const inside = (folder: string, ...args: string[]) => {
  const namespace = ["unshare", "--mount", ...(process.getuid?.() === 0 ? [] : ["--map-root-user", "--pid", "--fork"])];
  const enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/local/bin/flow2api "$@"';
  const env = { PATH: process.env.PATH ?? "", FLOW2API_STORAGE_DATA_DIR: "/data" };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...namespace, "sh", "-c", enter, folder, ...args], { env });
  return { exitCode, output: stdout.toString() + stderr.toString() };
};

test("the image holds the executable and its libraries, and runs in a bare root", async () => {
  await ensureExecutable();
  using folder = temporaryFolder();
  expect(Bun.spawnSync(["sh", join(root, "deploy", "rootfs.sh"), EXECUTABLE, folder.path]).exitCode).toBe(0);
  const files = readdirSync(folder.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  expect(files.filter((name) => !/^(flow2api|ld-.*|lib.*\.so.*)$/.test(name))).toEqual([]);
  mkdirSync(join(folder.path, "proc"));
  expect(inside(folder.path, "version")).toMatchObject({ exitCode: 0 });
  expect(inside(folder.path, "token", "add", "--no-check", "--provider", "gemini", "--secret", "a-secret-of-the-image")).toMatchObject({
    exitCode: 0,
  });
  expect(inside(folder.path, "token", "list").output).toContain("gemini");
});

test("the Dockerfile copies only what exists, ends as a user without rights, and checks health by the executable", () => {
  const text = readFileSync(join(root, "Dockerfile"), "utf8");
  const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]!.split(" "));
  for (const path of copied) expect([path, readdirSync(join(root, path, "..")).includes(path.split("/").at(-1)!)]).toEqual([path, true]);
  const final = text.slice(text.lastIndexOf("FROM "));
  expect(final).toStartWith("FROM scratch");
  expect(final).toMatch(/^USER \d+:\d+$/m);
  expect(final).toMatch(/^HEALTHCHECK .*\["\/usr\/local\/bin\/flow2api", "healthcheck"\]$/m);
  expect(final).toMatch(/^VOLUME \/data$/m);
});

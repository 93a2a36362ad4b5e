// Standard streams with readers that read, stand still or leave.
import { describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { $ } from "bun";
import { temporaryFolder } from "../testing.ts";

const command = (...args: string[]) => [process.execPath, join(import.meta.dir, "standard-streams.fixtures.ts"), ...args];

describe("standard error", () => {
  test("is written whole before the process ends, also to a reader that begins late", async () => {
    await using child = Bun.spawn(command("errors", "2048"), { stdout: "ignore", stderr: "pipe" });
    await Bun.sleep(300);
    const text = await new Response(child.stderr).text();
    expect([text.length, text.slice(-5)]).toEqual([2048 * 1024 + 4, "\nend\n"]);
    expect(await child.exited).toBe(7);
  });

  test("without a reader does not end the process", async () => {
    await using child = Bun.spawn(command("errors", "2048"), { stdout: "ignore", stderr: "pipe" });
    await child.stderr.cancel();
    expect(await child.exited).toBe(7);
  });
});

test.skipIf(process.platform === "win32")(
  "of standard error that nobody reads 8 MiB wait, the rest is lost, and the process ends",
  async () => {
    using folder = temporaryFolder();
    const pipe = join(folder.path, "pipe");
    await $`mkfifo ${pipe}`;
    // Open for both, so that writers are not told that nobody reads.
    const stderr = openSync(pipe, "r+");
    try {
      await using child = Bun.spawn(command("unread", "16384"), { stdout: "pipe", stderr });
      const lost = Number(await new Response(child.stdout).text());
      expect(lost).toBe(8192);
      expect(await child.exited).toBe(7);
    } finally {
      closeSync(stderr);
    }
  },
);

describe("standard output", () => {
  test("is written whole before the process ends", async () => {
    await using child = Bun.spawn(command("output", "2048"), { stdout: "pipe", stderr: "inherit" });
    expect((await new Response(child.stdout).text()).length).toBe(2048 * 1024 + 4);
    expect(await child.exited).toBe(7);
  });

  test("that nobody reads any more ends the process as done", async () => {
    await using child = Bun.spawn(command("output", "2048"), { stdout: "pipe", stderr: "pipe" });
    await child.stdout.cancel();
    expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, ""]);
  });
});

describe("a terminal is told from", () => {
  test.each([
    ["a pipe", "pipe"],
    ["the null device", "ignore"],
    ["a file", Bun.file(process.platform === "win32" ? "NUL" : "/dev/full")],
  ] as const)("%s", async (_, stdout) => {
    await using child = Bun.spawn(command("terminal"), { stdout, stderr: "pipe" });
    expect(await new Response(child.stderr).text()).toBe("false\n");
  });

  test.skipIf(!Bun.which("script"))("which it is in one", async () => {
    const shown = await $`script -qec ${command("terminal").join(" ")} /dev/null`.nothrow().text();
    expect(shown).toContain("true");
  });
});

// Log tail in memory: length, level filter, masked secrets.
import { expect, test } from "bun:test";
import { createLog } from "../../log.ts";
import { createLogTail } from "./log-tail.ts";

function world(capacity?: number) {
  const log = createLog({ level: "debug", format: "json", now: () => 5, write: () => {} });
  return { log, tail: createLogTail(log, capacity) };
}

test("retains the newest lines, numbered", () => {
  const { log, tail } = world(2);
  for (const word of ["a", "b", "c"]) log.info(word);
  expect(tail.lines().map(({ number, message }) => [number, message])).toEqual([
    [2, "b"],
    [3, "c"],
  ]);
});

test("reports those after a number, of a level or worse", () => {
  const { log, tail } = world();
  log.debug("a");
  log.warn("b");
  log.error("c");
  expect(tail.lines({ level: "warn" }).map(({ message }) => message)).toEqual(["b", "c"]);
  expect(tail.lines({ after: 2 }).map(({ message }) => message)).toEqual(["c"]);
});

test("lines of a log with fields are among them, redacted", () => {
  const { log, tail } = world();
  log.with({ requestId: "r1" }).info("used AIzaSyA1234567890abcdef", { secret: "hush", url: "https://x/?key=abc" });
  expect(tail.lines()).toEqual([
    { number: 1, at: 5, level: "info", message: "used AIza…", fields: { requestId: "r1", secret: "…", url: "https://x/?key=…" } },
  ]);
});

test("what the level holds back is not stored", () => {
  const { log, tail } = world();
  log.setLevel("warn");
  log.info("a");
  expect(tail.lines()).toEqual([]);
});

test("takes no line once it is closed", () => {
  const { log, tail } = world();
  log.info("a");
  tail.close();
  log.info("b");
  expect(tail.lines().map(({ message }) => message)).toEqual(["a"]);
});

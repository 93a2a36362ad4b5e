// What a test run printed of its failures, to be said again at its end: of a long log, people and machines keep the last lines.

/** Lines of one failure that are repeated: the last ones name the line of the test and what it got. */
const LINES = 40;

/** A running test's result, or the heading of its file: whatever stands before belongs to something else. */
const RESULT = /^\((?:pass|skip|todo)\) |^[\w./-]+\.test\.tsx?:$/;
const BETWEEN_TESTS = "# Unhandled error between tests";
const RULE = /^-{20,}$/;

/**
 * Failures of a run of `bun test`, each with its file and what was printed before its `(fail)`; errors outside of tests, which no `(fail)`
 * names, are among them. The summary at the end of the runner's output, which repeats names alone, is left out.
 */
export function failuresIn(output: string): string[] {
  const failures: string[] = [];
  let file = "";
  let seen: string[] = [];
  let rules = -1;
  const take = () => {
    failures.push([file, ...seen.slice(-LINES)].join("\n").trim());
    seen = [];
    rules = -1;
  };
  for (const line of output.split("\n")) {
    if (/^\d+ tests? failed:$/.test(line)) break;
    if (RESULT.test(line)) {
      if (line.endsWith(":")) file = line;
      if (rules < 0) seen = [];
      continue;
    }
    if (line === BETWEEN_TESTS) {
      rules = 0;
      seen = [];
    }
    if (line.trim() !== "") seen.push(line);
    if (line.startsWith("(fail) ") || (rules >= 0 && RULE.test(line) && ++rules === 2)) take();
  }
  return failures;
}

// The OpenAPI document against a running server, by schemathesis: no failure of the server, and every response as it is described.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { temporaryFolder } from "../src/testing.ts";
import { EXECUTABLE, startProgram } from "./executable.ts";
import { startRig } from "./rig.ts";

/** An interpreter that has the package; `FLOW2API_TEST_PYTHON` names another one than `python3`. */
const python = process.env.FLOW2API_TEST_PYTHON || "python3";
const isThere = (() => {
  try {
    return Bun.spawnSync([python, "-c", "import schemathesis"], { stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  } catch {
    return false;
  }
})();
if (!isThere) console.warn(`SKIPPED: test/schemathesis.test.ts needs Python with schemathesis; "${python}" has none.`);

const CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"];
/** Requests for each operation besides those that cover its description, and the time for all, in seconds. */
const EXAMPLES = Number(process.env.FLOW2API_SCHEMATHESIS_EXAMPLES ?? 3);
const SECONDS = Number(process.env.FLOW2API_SCHEMATHESIS_SECONDS ?? 60);

/** Every video waits for a poll of some seconds: so many accounts that those which the run asks for do not queue for long. */
const TOKENS = Array.from({ length: 8 }, (_, number) => [
  { provider: "gemini", secret: `project-${number}.key` },
  { provider: "flow", secret: `flow-session-ultra-${number}` },
]).flat();

/** The executable, where it was built; else the server in this process. The pool can serve every model that is described. */
async function startServer(): Promise<AsyncDisposable & { url: string; key: string }> {
  const simulator = { videoMs: 0, fileMs: 0 };
  if (existsSync(EXECUTABLE)) return startProgram({ tokens: TOKENS, simulator });
  const tokens = TOKENS.map((token) => ({ ...token, label: token.secret }));
  return startRig({ tokens, settings: { "refresh.enabled": true }, simulator });
}

/** Its models are known once its plan is. */
async function untilChecked({ url, key }: { url: string; key: string }): Promise<void> {
  for (let turn = 0; turn < 500; turn++) {
    const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    if ((await response.text()).includes("veo")) return;
    await Bun.sleep(20);
  }
  throw new Error("The tokens were not checked.");
}

test.skipIf(!isThere)(
  `no 5xx, and every response as described${isThere ? "" : " (skipped: no python/schemathesis)"}`,
  async () => {
    await using server = await startServer();
    await untilChecked(server);
    using folder = temporaryFolder();
    const child = Bun.spawn(
      [
        ...[python, "-m", "schemathesis.cli", "run", `${server.url}/openapi.json`, "--header", `Authorization: Bearer ${server.key}`],
        ...["--checks", CHECKS.join(), "--phases", "examples,coverage,fuzzing", "--max-examples", String(EXAMPLES), "--seed", "7"],
        ...["--max-time", String(SECONDS), "--request-timeout", "100", "--generation-database", "none", "--no-shrink"],
        ...["--continue-on-failure", "--warnings", "off", "--no-color"],
      ],
      { cwd: folder.path, stdout: "pipe", stderr: "pipe" },
    );
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    if (code !== 0) console.error(stdout, stderr);
    expect([code, /Tested: [1-9]/.test(stdout)]).toEqual([0, true]);
  },
  (SECONDS + 180) * 1000,
);

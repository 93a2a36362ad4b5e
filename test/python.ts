// Python interpreters for tests of Python clients: one with the packages that were pinned first, one with the newest and the legacy ones.
import { join } from "node:path";

/** Each needs its own environment: they hold two versions of one package. */
const ENVIRONMENTS = {
  FLOW2API_TEST_PYTHON: { modules: ["openai", "google.genai"], install: "openai==3.22.1 google-genai==2.25.0" },
  FLOW2API_TEST_PYTHON_NEWEST: {
    modules: ["google.genai", "google.generativeai", "litellm"],
    install: "google-genai==3.6.1 google-generativeai==0.8.5 litellm==1.110.2",
  },
} as const;

export type Results = Record<string, unknown>;
export type Python = {
  /** False: the tests are skipped, and standard error says what is missing. */
  isThere: boolean;
  path: string;
  /** Runs a script beside the tests and reads the JSON of its last line. @throws what the script wrote when it failed */
  run(script: string, ...args: string[]): Promise<Results>;
};

/**
 * The interpreter that an environment variable names, else `python3`.
 * @throws when the variable names one that lacks the packages: whoever sets it wants the tests
 */
export function pythonOf(variable: keyof typeof ENVIRONMENTS): Python {
  const named = process.env[variable];
  const { modules, install } = ENVIRONMENTS[variable];
  const python = named || "python3";
  const imports = modules.map((name) => `import ${name}`).join("; ");
  const isThere =
    Bun.which(python) !== null && Bun.spawnSync([python, "-W", "ignore", "-c", imports], { stdout: "ignore", stderr: "ignore" }).success;
  const lack = `${python} cannot import ${modules.join(", ")}: make a venv, pip install ${install}, and set ${variable} to its python`;
  if (!isThere && named) throw new Error(lack);
  if (!isThere) console.error(`\n!!! SKIPPED, Python clients are not tested: ${lack}\n`);
  return {
    isThere,
    path: python,
    async run(script, ...args) {
      const child = Bun.spawn([python, "-W", "ignore", join(import.meta.dir, script), ...args], { stdout: "pipe", stderr: "pipe" });
      const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      if ((await child.exited) !== 0) throw new Error(stderr.slice(-2000));
      return JSON.parse(stdout.trim().split("\n").at(-1)!);
    },
  };
}

// flow2api simulate: the upstream simulator alone.
import { FAULTS, parseFaults } from "../simulator/faults.ts";
import { OPERATIONS } from "../simulator/operations.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { listening } from "./serve/listen.ts";
import { watchSignals } from "./serve/signals.ts";
import { rowsText } from "./table.ts";
import { defineVerb, usageError } from "./verb.ts";

const DEFAULT_PORT = 8100;

export const simulate = defineVerb({
  name: "simulate",
  summary: "Serve the upstream simulator alone: all three wire formats, and faults on request.",
  options: {
    port: { type: "string", value: "P", help: `port to listen on, 0 for any (default: ${DEFAULT_PORT})` },
    seed: { type: "string", value: "N", help: "number that images and chance follow from (default: 1)" },
    faults: {
      type: "string",
      value: "SPEC",
      help: "what goes wrong: operation=fault[(argument)][:probability|:once|:N][@secret-prefix],…",
    },
    latency: { type: "string", value: "MS", help: "time every answer takes, in milliseconds (default: 0)" },
  },
  notes: faultsHelp,
  async run({ values, io }) {
    const port = readWhole("port", values.port, DEFAULT_PORT, 65_535);
    const seed = readWhole("seed", values.seed, 1, 2 ** 32 - 1);
    const latencyMs = readWhole("latency", values.latency, 0, 600_000);
    using signals = watchSignals(io);
    const { startSimulator } = await import("../simulator/simulator.ts");
    refuseFaults(() => parseFaults(values.faults ?? ""));
    const simulator = await listening(startSimulator({ port, seed, latencyMs, faults: values.faults }), { host: "127.0.0.1", port });
    io.stdout(howToUse(simulator));
    await signals.stopped;
    await simulator.stop();
    return 0;
  },
});

function howToUse({ url, geminiBaseUrl, flowLabsBaseUrl, flowApiBaseUrl, vertexBaseUrl, vertexTokenUrl }: Simulator): string {
  return `Simulator on ${url}

A flow2api that calls it in place of the real upstreams; every key or session will do, and a service account of its own:
  FLOW2API_GEMINI_BASE_URL=${geminiBaseUrl} \\
  FLOW2API_FLOW_LABS_BASE_URL=${flowLabsBaseUrl} \\
  FLOW2API_FLOW_API_BASE_URL=${flowApiBaseUrl} \\
  FLOW2API_VERTEX_BASE_URL=${vertexBaseUrl} \\
  FLOW2API_VERTEX_TOKEN_URL=${vertexTokenUrl} \\
  flow2api serve

A service account for Vertex, and a token of it:
  curl ${url}/__simulator/service-account | flow2api token add --provider vertex --secret - --no-check

What it was asked, what goes wrong from now on, and a minute that passes at once:
  curl ${url}/__simulator/counts
  curl -X PUT ${url}/__simulator/faults -d "gemini.generate=429-minute:0.5"
  curl -X POST ${url}/__simulator/advance -d 60000

`;
}

function faultsHelp(): string {
  const operations = Object.entries(OPERATIONS).map(([name, { description }]) => [`  ${name}`, description]);
  const faults = Object.entries(FAULTS).map(([name, fault]) => [
    `  ${name}${"argument" in fault ? `(${fault.argument})` : ""}`,
    fault.description,
  ]);
  return `\nOperations (* and gemini.* stand for several):\n${rowsText(operations)}\nFaults:\n${rowsText(faults)}`;
}

function refuseFaults(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    throw usageError(`--faults: ${(error as Error).message}`);
  }
}

function readWhole(option: string, text: string | undefined, fallback: number, maximum: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= maximum)) throw usageError(`--${option}: expected integer 0 to ${maximum}, got ${JSON.stringify(text.slice(0, 40))}.`);
  return value;
}

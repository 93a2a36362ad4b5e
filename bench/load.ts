// One measurement with wrk: requests per second and latencies of a POST repeated over kept connections.
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Load = { url: string; body: string; headers: Record<string, string>; connections: number; seconds: number };
export type Figures = { rps: number; p50: number; p99: number; errors: number };

const UNITS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
const milliseconds = (text: string | undefined): number => {
  const [, value, unit] = /([\d.]+)(us|ms|s|m)/.exec(text ?? "") ?? [];
  return value === undefined ? Number.NaN : Number(value) * UNITS[unit!]!;
};

/** Runs wrk on the given core. Latencies in ms. */
export async function load({ url, body, headers, connections, seconds }: Load, core: number): Promise<Figures> {
  const script = join(tmpdir(), `flow2api-bench-${process.pid}.lua`);
  const lines = Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`);
  await Bun.write(script, `wrk.method = "POST"\nwrk.body = [[${body}]]\n${lines.join("\n")}\n`);
  const command = [
    "taskset",
    "-c",
    String(core),
    "wrk",
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    "--timeout",
    "30s",
    "-s",
    script,
    url,
  ];
  const text = await new Response(Bun.spawn(command, { stderr: "ignore" }).stdout).text();
  const percentile = (name: string) => milliseconds(new RegExp(`${name}%\\s+([\\d.]+\\w+)`).exec(text)?.[1]);
  const errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) + Number(/timeout (\d+)/.exec(text)?.[1] ?? 0);
  return { rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? Number.NaN), p50: percentile("50"), p99: percentile("99"), errors };
}

export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

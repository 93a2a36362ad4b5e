// One measurement with wrk: requests per second, latencies and the target's processor time per request.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuOf } from "./cpu.ts";

export type Load = { url: string; body: string; headers: Record<string, string>; connections: number; seconds: number };
/** `cpu`: microseconds of the target's process per request. */
export type Figures = { rps: number; p50: number; p99: number; cpu: number; requests: number; errors: number };

const UNITS: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000 };
const milliseconds = (text: string | undefined): number => {
  const [, value, unit] = /([\d.]+)(us|ms|s|m)/.exec(text ?? "") ?? [];
  return value === undefined ? Number.NaN : Number(value) * UNITS[unit!]!;
};

/** Runs wrk on the given cores against the process `pid`. Latencies in ms. */
export async function load({ url, body, headers, connections, seconds }: Load, pid: number, cores: string): Promise<Figures> {
  const script = join(tmpdir(), `flow2api-bench-${process.pid}.lua`);
  const lines = Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`);
  await Bun.write(script, `wrk.method = "POST"\nwrk.body = [[${body}]]\n${lines.join("\n")}\n`);
  const options = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", "--timeout", "30s", "-s", script, url];
  const before = cpuOf(pid);
  const text = await new Response(Bun.spawn(["taskset", "-c", cores, "wrk", ...options], { stderr: "ignore" }).stdout).text();
  const used = cpuOf(pid) - before;
  const percentile = (name: string) => milliseconds(new RegExp(`${name}%\\s+([\\d.]+\\w+)`).exec(text)?.[1]);
  const errors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) + Number(/timeout (\d+)/.exec(text)?.[1] ?? 0);
  const requests = Number(/(\d+) requests in/.exec(text)?.[1] ?? 0);
  const rps = Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1] ?? Number.NaN);
  return { rps, p50: percentile("50"), p99: percentile("99"), cpu: used / requests, requests, errors };
}

/** Sends at least `count` requests. */
export async function warmUp(request: Load, pid: number, cores: string, count: number): Promise<void> {
  for (let sent = 0, tries = 0; sent < count && tries < 60; tries++) sent += (await load({ ...request, seconds: 2 }, pid, cores)).requests;
}

export const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

// The simulator's own endpoints, for an executable under test: counts, calls, faults, latency, options, reset.

import type { Incoming } from "./exchange.ts";
import type { Running } from "./running.ts";
import { serviceAccountKey } from "./vertex/accounts.ts";
import { DEFAULT_OPTIONS, type SimulatorOptions } from "./world.ts";

/**
 * `GET counts`, `GET calls`, `GET|PUT faults` (text, or JSON `{"faults": "…"}`), `PUT latency` (a number of milliseconds),
 * `GET service-account` (query `project`, `name`: the JSON of one that Vertex accepts), `GET|PUT options` (JSON of SimulatorOptions), `POST advance` (a number of milliseconds), `POST reset`; all below `/__simulator/`.
 */
export function controlReply(incoming: Incoming, running: Running): Response {
  const call = `${incoming.method} ${incoming.path.slice("/__simulator/".length)}`;
  const text = new TextDecoder().decode(incoming.bytes).trim();
  try {
    switch (call) {
      case "GET counts":
        return Response.json(running.counter.counts());
      case "GET calls":
        return Response.json(running.recorder.calls());
      case "GET faults":
        return Response.json({ faults: running.world.plan.spec() });
      case "PUT faults":
        running.world.plan.set(faultsOf(incoming, text));
        return Response.json({ faults: running.world.plan.spec() });
      case "GET service-account":
        return new Response(serviceAccountKey(Object.fromEntries(incoming.query)), { headers: { "content-type": "application/json" } });
      case "PUT latency":
        return changeOptions(running, { latencyMs: Number(incoming.json()?.latencyMs ?? text) });
      case "GET options":
        return Response.json(running.world.options);
      case "PUT options":
        return changeOptions(running, incoming.json() ?? {});
      case "POST advance":
        running.advance(millisecondsOf(incoming, text));
        return Response.json({ now: new Date(running.world.now()).toISOString() });
      case "POST reset":
        running.reset();
        return Response.json({});
      default:
        return Response.json({ error: `no such control: ${call}` }, { status: 404 });
    }
  } catch (error) {
    return Response.json({ error: error instanceof Error ? error.message : String(error) }, { status: 400 });
  }
}

function faultsOf(incoming: Incoming, text: string): string {
  const { faults } = incoming.json() ?? {};
  if (typeof faults === "string") return faults;
  return Array.isArray(faults) ? faults.join(",") : text;
}

function millisecondsOf(incoming: Incoming, text: string): number {
  const ms = Number(incoming.json()?.ms ?? (text || Number.NaN));
  // A time that a date can hold.
  if (ms >= 0 && ms <= 1e12) return ms;
  throw new Error(`expected milliseconds, got ${text}`);
}

function changeOptions(running: Running, changes: Record<string, unknown>): Response {
  for (const [name, value] of Object.entries(changes)) {
    const known = DEFAULT_OPTIONS[name as keyof SimulatorOptions];
    if (known === undefined) throw new Error(`unknown option ${name}; known are ${Object.keys(DEFAULT_OPTIONS).join(", ")}`);
    if (typeof value !== typeof known || (typeof value === "number" && !(value >= 0)))
      throw new Error(`${name}: expected ${typeof known}, got ${String(value)}`);
  }
  Object.assign(running.world.options, changes);
  return Response.json(running.world.options);
}

// Latency estimate: how long calls take, for the wait shown to waiting requests and for the latest start before a deadline.
import type { Kind } from "../../domain/generation.ts";

const WEIGHT_OF_LATEST = 0.2;
/** Deviation assumed after the first call, as a share of its time. */
const FIRST_DEVIATION = 0.25;
const WEIGHT_OF_LATEST_DEVIATION = 0.25;
/** Mean deviations above the mean within which nearly every call ends. */
const DEVIATIONS = 3;
/** Least margin above the mean, as a share of it. */
const LEAST_MARGIN = 0.1;
/** A request that has not waited yet may always begin its call, or slow calls would never be measured. */
const LARGEST_SHARE = 0.95;
/** While no call has ended yet. */
const UNKNOWN_SHARE = 0.05;
/** A call that was aborted says something about its token only after such a time, or after its request's whole time. */
const FAIR_TIMES = 2;
const LEAST_FAIR_MS = 30_000;
const WHOLE_SHARE = 0.9;

/** Of a model at a provider. */
type Latency = { mean: number; deviation: number };
/** Of a model: the mean of all its providers. */
type ModelLatency = { mean: number; providers: Map<string, Latency> };

/** When a call must have ended, by `monotonicNow`, and how long its request had for everything. */
export type Deadline = { at: number; wholeMs: number };

type ModelCall = { kind: Kind; family: string; provider: string };

export class LatencyEstimate {
  readonly #models: Record<Kind, Map<string, ModelLatency>> = { image: new Map(), video: new Map() };

  /** One successful call held its slot for `ms`. Ignores negative times of a clock that was set back. */
  note(call: ModelCall, ms: number): void {
    if (ms < 0) return;
    const model = this.#models[call.kind].get(call.family) ?? this.#add(call, ms);
    model.mean += WEIGHT_OF_LATEST * (ms - model.mean);
    const known = model.providers.get(call.provider);
    if (known) move(known, ms);
    else model.providers.set(call.provider, { mean: ms, deviation: ms * FIRST_DEVIATION });
  }

  #add({ kind, family }: ModelCall, mean: number): ModelLatency {
    const model = { mean, providers: new Map() };
    this.#models[kind].set(family, model);
    return model;
  }

  /** A call was aborted by its request's deadline after `ms`: it would have taken longer. */
  noteAborted(call: ModelCall, ms: number): void {
    const known = this.#latencyOf(call.kind, call.family, call.provider);
    if (known && ms > known.mean) this.note(call, ms);
  }

  /** Recent mean in ms; null as long as no call has ended. */
  mean(kind: Kind, family: string): number | null {
    return this.#models[kind].get(family)?.mean ?? null;
  }

  /** Ms within which nearly every call ends; provider null: not known yet, from the mean of all; null: none has ended yet. */
  most(kind: Kind, family: string, provider: string | null): number | null {
    if (provider !== null) return this.#enoughMs(kind, family, provider);
    const mean = this.mean(kind, family);
    return mean === null ? null : mean * (1 + DEVIATIONS * FIRST_DEVIATION);
  }

  /** Ms until `position` slots of the tokens that are busy have come free; null as long as no call has ended. */
  estimate(kind: Kind, family: string, position: number, busyTokens: number): number | null {
    const mean = this.mean(kind, family);
    return mean === null ? null : Math.round((mean * position) / Math.max(1, busyTokens));
  }

  /** When it is too late for a call of the fastest of these providers to end before the deadline, by `monotonicNow`. */
  latestStart(kind: Kind, family: string, providers: readonly string[], deadline: Deadline): number {
    let least = Number.POSITIVE_INFINITY;
    for (const provider of providers) least = Math.min(least, this.#enoughMs(kind, family, provider) ?? Number.POSITIVE_INFINITY);
    return latestStart(Number.isFinite(least) ? least : null, deadline);
  }

  /** Whether a call that was aborted after `ms` had time enough: only then its token is at fault. */
  isFair(call: ModelCall, ms: number, wholeMs: number): boolean {
    const enough = this.#enoughMs(call.kind, call.family, call.provider);
    const fair = enough === null ? wholeMs : Math.min(wholeMs, Math.max(FAIR_TIMES * enough, LEAST_FAIR_MS));
    return ms >= WHOLE_SHARE * fair;
  }

  /** Ms within which nearly every call of the provider ends; null: none has ended yet. */
  #enoughMs(kind: Kind, family: string, provider: string): number | null {
    const known = this.#latencyOf(kind, family, provider);
    return known === undefined ? null : known.mean + Math.max(DEVIATIONS * known.deviation, LEAST_MARGIN * known.mean);
  }

  #latencyOf(kind: Kind, family: string, provider: string): Latency | undefined {
    return this.#models[kind].get(family)?.providers.get(provider);
  }
}

/** When it is too late for a call that takes so long to end before the deadline, by `monotonicNow`; null: how long is not known. */
export const latestStart = (enoughMs: number | null, { at, wholeMs }: Deadline): number =>
  at - Math.min(LARGEST_SHARE * wholeMs, enoughMs ?? UNKNOWN_SHARE * wholeMs);

function move(latency: Latency, ms: number): void {
  const { mean, deviation } = latency;
  latency.mean = mean + WEIGHT_OF_LATEST * (ms - mean);
  latency.deviation = deviation + WEIGHT_OF_LATEST_DEVIATION * (Math.abs(ms - mean) - deviation);
}

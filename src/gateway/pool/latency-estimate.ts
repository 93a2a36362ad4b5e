// How long calls take: tells those who wait how long it may be, and how much time a call needs to end before its deadline.
import type { Kind } from "../../domain/generation.ts";

const WEIGHT_OF_LATEST = 0.2;
/** The first call tells the mean and nothing of how calls differ. */
const FIRST_SPREAD = 0.25;
const WEIGHT_OF_LATEST_SPREAD = 0.25;
/** Mean deviations above the mean within which nearly every call ends. */
const SPREADS = 3;
/** No call is taken to be steadier than this. */
const LEAST_MARGIN = 0.1;
/** However long calls take: a request that has not waited yet may always begin its call, or slow calls would never be measured. */
const LARGEST_SHARE = 0.95;
/** While no call has ended yet. */
const UNKNOWN_SHARE = 0.05;
/** A call that was cut says something of its token only after such a time, or after its request's whole time. */
const FAIR_TIMES = 2;
const LEAST_FAIR_MS = 30_000;
const WHOLE_SHARE = 0.9;

type Track = { mean: number; spread: number };

/** When a call must have ended, epoch ms, and how long its request had for everything. */
export type Deadline = { at: number; wholeMs: number };

export type LatencyEstimate = {
  /** One successful call held its slot for `ms`. Less than nothing, by a clock that was set back, tells nothing. */
  note(kind: Kind, family: string, provider: string, ms: number): void;
  /** A call was cut by its request's deadline after `ms`: it would have taken longer. */
  noteCut(kind: Kind, family: string, provider: string, ms: number): void;
  /** What calls took lately, in ms; null as long as none has ended. */
  usual(kind: Kind, family: string): number | null;
  /** Ms until `place` slots of the tokens that are busy have come free; null as long as no call has ended. */
  estimate(kind: Kind, family: string, place: number, busyTokens: number): number | null;
  /** Epoch ms after which a call of the fastest of these providers would not end before the deadline. */
  latestStart(kind: Kind, family: string, providers: readonly string[], deadline: Deadline): number;
  /** Whether a call that was cut after `ms` had time enough: only then its token is to blame. */
  isFair(kind: Kind, family: string, provider: string, ms: number, wholeMs: number): boolean;
};

export function createLatencyEstimate(): LatencyEstimate {
  const means = new Map<string, number>();
  const tracks = new Map<string, Track>();

  const trackOf = (kind: Kind, family: string, provider: string) => tracks.get(`${kind} ${family} ${provider}`);

  function note(kind: Kind, family: string, provider: string, ms: number): void {
    if (ms < 0) return;
    const key = `${kind} ${family}`;
    const mean = means.get(key) ?? ms;
    means.set(key, mean + WEIGHT_OF_LATEST * (ms - mean));
    const track = trackOf(kind, family, provider);
    tracks.set(`${key} ${provider}`, track ? moved(track, ms) : { mean: ms, spread: ms * FIRST_SPREAD });
  }

  /** Ms within which nearly every call of the provider ends; null: none has ended yet. */
  function enoughMs(kind: Kind, family: string, provider: string): number | null {
    const track = trackOf(kind, family, provider);
    return track === undefined ? null : track.mean + Math.max(SPREADS * track.spread, LEAST_MARGIN * track.mean);
  }

  const usual = (kind: Kind, family: string): number | null => means.get(`${kind} ${family}`) ?? null;
  return {
    note,
    noteCut(kind, family, provider, ms) {
      const track = trackOf(kind, family, provider);
      if (track && ms > track.mean) note(kind, family, provider, ms);
    },
    usual,
    estimate(kind, family, place, busyTokens) {
      const mean = usual(kind, family);
      return mean === null ? null : Math.round((mean * place) / Math.max(1, busyTokens));
    },
    latestStart(kind, family, providers, { at, wholeMs }) {
      const known = providers.map((provider) => enoughMs(kind, family, provider)).filter((ms) => ms !== null);
      return at - Math.min(LARGEST_SHARE * wholeMs, ...(known.length > 0 ? known : [UNKNOWN_SHARE * wholeMs]));
    },
    isFair(kind, family, provider, ms, wholeMs) {
      const enough = enoughMs(kind, family, provider);
      const fair = enough === null ? wholeMs : Math.min(wholeMs, Math.max(FAIR_TIMES * enough, LEAST_FAIR_MS));
      return ms >= WHOLE_SHARE * fair;
    },
  };
}

function moved({ mean, spread }: Track, ms: number): Track {
  return {
    mean: mean + WEIGHT_OF_LATEST * (ms - mean),
    spread: spread + WEIGHT_OF_LATEST_SPREAD * (Math.abs(ms - mean) - spread),
  };
}

// Simulated upstreams: they refuse, fail, lose responses and charge, in virtual time, and count their calls.
import { type Clock, sleep } from "../../src/clock.ts";
import type { Finish, ImageFinish, ImageRequest } from "../../src/domain/generation.ts";
import { AppError, type AppErrorOptions, type ErrorKind, type FailureDetail } from "../../src/errors.ts";
import type { Provider, ProviderToken } from "../../src/providers/provider.ts";
import type { Chronicle, Dice } from "./chronicle.ts";

/** What becomes of one submission. `charged`: an image or a video was generated, whether or not its response arrives. */
type Fate =
  | { name: string; charged: boolean; error: () => AppError }
  | { name: string; charged: boolean; finish: Finish }
  | { name: "hang"; charged: true };

/** What the world does to all calls at once. */
export type Weather = {
  /** Our own network is down. */
  isOffline: boolean;
  deadProxies: Set<string>;
  /** Providers with an outage, with the name of the fate that most of their calls meet. */
  outages: Map<string, string>;
  /** Tokens whose secret the upstream does not take any more. */
  deadTokens: Set<number>;
};

export type Charges = { submitted: number; charged: number };

export type Upstream = {
  weather: Weather;
  /** Submissions of one request over the life of the world. */
  chargesOf(requestId: string): Charges;
  totals(): Charges;
  /** The providers as one process sees them. */
  providers(clock: Clock): Map<string, Provider>;
  /** Submits a video and resolves with the ms it takes. @throws {AppError} as a provider */
  submitVideo(clock: Clock, call: { requestId: string; provider: string; token: ProviderToken; signal: AbortSignal }): Promise<number>;
};

type Call = { provider: string; family: string; group: string; tokenId: number };

const error = (kind: ErrorKind, status: number | undefined, options: AppErrorOptions = {}) =>
  new AppError(kind, `The upstream said ${kind}.`, { upstreamStatus: status, ...options });
const refused = (kind: ErrorKind, status: number, scope: FailureDetail["scope"], reason: FailureDetail["reason"], retryAfterMs?: number) =>
  error(kind, status, { detail: { scope, reason }, retryAfterMs });

/** Share of calls, by fate; the rest succeed. */
const SHARES: [name: string, share: number][] = [
  ["policy", 0.03],
  ["no_image", 0.02],
  ["per_minute", 0.03],
  ["per_minute_untold", 0.01],
  ["per_day", 0.0015],
  ["limit_zero", 0.0006],
  ["no_details", 0.02],
  ["throttled", 0.012],
  ["account_quota", 0.001],
  ["unauthorized", 0.002],
  ["verification", 0.001],
  ["billing", 0.0006],
  ["model_denied", 0.0015],
  ["internal", 0.04],
  ["overloaded", 0.02],
  ["invalid", 0.01],
  ["lost", 0.012],
  ["timeout", 0.008],
  ["cut_off", 0.008],
  ["hang", 0.006],
];

export function createUpstream(
  dice: Dice,
  chronicle: Chronicle,
  isOnRecord: (requestId: string) => boolean,
  elapsed: () => number,
): Upstream {
  const weather: Weather = { isOffline: false, deadProxies: new Set(), outages: new Map(), deadTokens: new Set() };
  const byRequest = new Map<string, Charges>();
  const total: Charges = { submitted: 0, charged: 0 };
  /** Elapsed ms until which a group has used up its quota of a model. */
  const limited = new Map<string, number>();

  const chargesOf = (requestId: string): Charges => {
    const known = byRequest.get(requestId) ?? { submitted: 0, charged: 0 };
    byRequest.set(requestId, known);
    return known;
  };

  const FATES: Record<string, (call: Call) => Fate | AppError> = {
    ok: () => ({ name: "ok", charged: true, finish: "stop" }),
    policy: () =>
      dice.chance(0.5)
        ? { name: "policy", charged: false, finish: "policy_output" }
        : { name: "policy", charged: false, error: () => refused("content_policy", 400, "request", "policy_input") },
    no_image: () => ({ name: "no_image", charged: false, finish: "no_image" }),
    per_minute({ family, group }) {
      limited.set(`${group} ${family}`, elapsed() + dice.between(500, 70_000));
      return quotaLeft(group, family)!;
    },
    per_minute_untold: () => refused("upstream_rate_limited", 429, "group_model", "per_minute"),
    per_day: () => refused("upstream_rate_limited", 429, "group_model", "per_day", 2_000),
    limit_zero: () => refused("upstream_rate_limited", 429, "group_model", "limit_zero"),
    no_details: () => error("upstream_rate_limited", 429),
    throttled: () => refused("upstream_rate_limited", 429, "token", "throttled", dice.chance(0.5) ? dice.between(100, 90_000) : undefined),
    account_quota: () => refused("upstream_quota", 429, "token", "account_quota"),
    unauthorized({ tokenId }) {
      weather.deadTokens.add(tokenId);
      return refused("upstream_unauthorized", 401, "token", "key_invalid");
    },
    verification: () => refused("upstream_verification", 403, "token", "verification"),
    billing: () => refused("upstream_quota", 400, "token", "billing"),
    model_denied: () => refused("upstream_model_denied", 404, "token_model", "model_denied"),
    internal: () => refused("upstream_unavailable", 500, "token", "internal"),
    overloaded: () => refused("upstream_unavailable", 503, "upstream", "overloaded"),
    invalid: () => refused("upstream_invalid", 400, "request", "internal"),
    lost: () => ({ name: "lost", charged: true, error: () => error("upstream_unknown_outcome", undefined, { charged: true }) }),
    timeout: () => ({ name: "timeout", charged: true, error: () => error("upstream_timeout", 504, { charged: true }) }),
    cut_off: () => ({
      name: "cut_off",
      charged: true,
      error: () => error("upstream_unknown_outcome", 200, { charged: true, detail: { scope: "token", reason: "cut_off" } }),
    }),
    hang: () => ({ name: "hang", charged: true }),
  };

  function quotaLeft(group: string, family: string): AppError | null {
    const left = (limited.get(`${group} ${family}`) ?? 0) - elapsed();
    return left > 0 ? refused("upstream_rate_limited", 429, "group_model", "per_minute", left) : null;
  }

  function draw(): string {
    let left = dice.random();
    for (const [name, share] of SHARES) {
      left -= share;
      if (left < 0) return name;
    }
    return "ok";
  }

  function decide(call: Call): Fate {
    const outage = weather.outages.get(call.provider);
    const name = weather.deadTokens.has(call.tokenId) ? "unauthorized" : outage && dice.chance(0.9) ? outage : draw();
    const fate = quotaLeft(call.group, call.family) ?? FATES[name]!(call);
    return fate instanceof AppError ? { name: fate.detail?.reason ?? fate.kind, charged: false, error: () => fate } : fate;
  }

  /** The submission arrives: from here on it is charged, or it never is. */
  function take(requestId: string, call: Call): Fate {
    chronicle.assert(isOnRecord(requestId), "Nothing is submitted before it is on record:", requestId);
    const fate = decide(call);
    for (const charges of [chargesOf(requestId), total]) {
      charges.submitted++;
      if (fate.charged) charges.charged++;
    }
    chronicle.note("upstream took", requestId, { token: call.tokenId, fate: fate.name });
    return fate;
  }

  async function reach(clock: Clock, token: ProviderToken, signal: AbortSignal): Promise<void> {
    await sleep(clock, dice.between(5, 400), signal);
    if (!weather.isOffline && !(token.proxy !== null && weather.deadProxies.has(token.proxy))) return;
    await sleep(clock, dice.between(0, 2000), signal);
    throw error("network", undefined);
  }

  const secondsOf = (fate: Fate) => ("finish" in fate && fate.finish === "stop" ? dice.between(3, 40) : dice.between(0, 10));
  const never = (signal: AbortSignal) => new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

  async function makeImage(clock: Clock, name: string, call: Parameters<Provider["generateImages"]>): Promise<ImageFinish> {
    const [request, token, { signal }, sink] = call;
    const requestId = textOf(request);
    if (dice.chance(0.3)) sink.onStage("generating");
    await reach(clock, token, signal);
    await sink.onSubmit();
    const fate = take(requestId, { provider: name, family: request.family, group: groupOf(name, token), tokenId: token.id });
    if (fate.name === "hang") return await never(signal);
    await sleep(clock, secondsOf(fate) * 1000 + dice.between(0, 999), signal);
    if ("error" in fate) throw fate.error();
    if (!("finish" in fate)) throw new AppError("upstream_unavailable", "The call ended without a result.", { charged: true });
    if (fate.finish === "stop") await sink.onImage({ path: "", bytes: 1, mime: "image/png" }, false, `drawn by ${token.id}`);
    const usage = dice.chance(0.5) ? null : { inputText: 9, inputImage: 0, outputText: 0, outputImage: 1290, thoughts: 0, total: 1299 };
    return { finish: fate.finish, upstreamReason: fate.finish.toUpperCase(), usage: fate.charged ? usage : null };
  }

  const unused = () => {
    throw new Error("not simulated");
  };
  return {
    weather,
    chargesOf,
    totals: () => ({ ...total }),
    providers: (clock) =>
      new Map(
        ["gemini", "flow"].map((name): [string, Provider] => [
          name,
          {
            name,
            generateImages: (...call) => makeImage(clock, name, call),
            check: unused,
            startVideo: unused,
            continueVideo: unused,
            pollVideo: unused,
            downloadVideo: unused,
            cancelVideo: unused,
          },
        ]),
      ),
    async submitVideo(clock, { requestId, provider, token, signal }) {
      await reach(clock, token, signal);
      const fate = take(requestId, { provider, family: "video", group: groupOf(provider, token), tokenId: token.id });
      if (fate.name === "hang") return never(signal);
      await sleep(clock, dice.between(200, 3000), signal);
      if ("error" in fate) throw fate.error();
      return dice.between(20, 200) * 1000;
    },
  };
}

/** Requests carry their id as their text, so that the upstream can tell which one it is charged for. */
const textOf = ({ turns }: ImageRequest): string =>
  turns
    .at(-1)!
    .parts.flatMap((part) => (part.type === "text" ? [part.text] : []))
    .join();

/** The upstream's own idea of who shares a quota; the world stores it in the token's state. */
const groupOf = (provider: string, token: ProviderToken): string => `${provider} ${token.state.group ?? `#${token.id}`}`;

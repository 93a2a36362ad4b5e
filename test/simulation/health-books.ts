// Expected health, computed from outcomes alone by a second implementation of the rules.
import type { TokenRow } from "../../src/domain/token.ts";
import type { Outcome } from "../../src/gateway/pool/lease-contract.ts";
import type { Pool } from "../../src/gateway/pool/pool.ts";
import type { PoolTokenView } from "../../src/gateway/pool/snapshot.ts";
import type { Chronicle } from "./chronicle.ts";
import { pacificMidnightAfter } from "./pacific.ts";

type Failure = Extract<Outcome, { ok: false }>;

/** A cooldown or a block. Wall-clock ms; Infinity: only the operator ends it. */
export type Hold = { reason: string; since: number; until: number };

/** One thing that may be in cooldown. */
type Entry = {
  hold: Hold | null;
  /** Cooldowns of growing length since the last success; null: not known since a restart. */
  consecutiveFailures: number | null;
  /** Failures in a row that the breaker must count, and those that it may; wall-clock ms. */
  certain: number[];
  possible: number[];
  /** Elapsed ms and step of the last change. */
  changedAt: number;
  changedIn: number;
};

type Group = { id: number; members: Set<number>; families: Map<string, Entry> };
export type Token = { row: TokenRow; own: Entry; families: Map<string, Entry>; group: Group; removed: boolean };

export type HealthBooks = {
  tokens: ReadonlyMap<number, Token>;
  load(rows: readonly TokenRow[]): void;
  /** What holds the token back from the family at `now`, and whether that began in this very step. */
  cooldownEnd(token: Token, family: string, now: number): { until: number; isFresh: boolean };
  /** Whether one call at a time shows if the token works again. */
  isHalfOpen(token: Token, now: number): boolean;
  /** One call ended so; asked after the pool was reported. @throws {Violation} when the pool drew another conclusion */
  report(token: Token, family: string, outcome: Outcome): void;
  /** A check of the token succeeded. */
  proven(token: Token): void;
  /** The operator cleared the token, or one model of it. */
  clear(token: Token, family?: string): void;
  /** The wall clock was set back, from `before` where anybody knows. */
  setBack(before?: number): void;
  /** The token as a whole is held as these books say. Disturbs nothing. */
  verify(): void;
  /** Every model of every token too. */
  verifyModels(views: readonly PoolTokenView[]): void;
  /** After a restart: what was written down is known again. `mayLose(changedAt)`: a change at that time may not have been. */
  restart(views: readonly PoolTokenView[], mayLose: (changedAt: number) => boolean): void;
};

type Dependencies = { chronicle: Chronicle; elapsed(): number; step(): number; now(): number; pool(): Pool };

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const newEntry = (): Entry => ({
  hold: null,
  consecutiveFailures: 0,
  certain: [],
  possible: [],
  changedAt: Number.NEGATIVE_INFINITY,
  changedIn: -1,
});
const isHeld = ({ hold }: Entry, now: number) => hold !== null && hold.until > now;
const untilOf = ({ hold }: Entry, now: number) => (hold && hold.until > now ? hold.until : 0);

function entryOf(entries: Map<string, Entry>, name: string): Entry {
  const entry = entries.get(name) ?? newEntry();
  entries.set(name, entry);
  return entry;
}

/** When the upstream said to come back, between a second and a day from now. */
function toldEnd({ detail, retryAfterMs }: Failure, now: number): number | null {
  const reported = detail?.until ?? (retryAfterMs === undefined ? null : now + retryAfterMs);
  return reported === null ? null : Math.min(Math.max(reported, now + SECOND), now + 24 * HOUR);
}

/** Ends that follow from the reason alone. */
const FIXED_ENDS: Record<string, (failure: Failure, now: number) => number> = {
  per_minute: (failure, now) => toldEnd(failure, now) ?? now + MINUTE,
  throttled: (failure, now) => toldEnd(failure, now) ?? now + MINUTE,
  per_day: (_, now) => pacificMidnightAfter(now),
  limit_zero: (_, now) => now + 24 * HOUR,
  account_quota: (_, now) => now + 12 * HOUR,
  model_denied: (_, now) => now + 24 * HOUR,
  key_invalid: () => Number.POSITIVE_INFINITY,
  verification: () => Number.POSITIVE_INFINITY,
  billing: (_, now) => now + HOUR,
};
const USUAL_REASONS: Record<string, string> = {
  upstream_rate_limited: "no_details",
  upstream_unavailable: "failing",
  upstream_timeout: "failing",
  upstream_unknown_outcome: "failing",
};
/** What one call at a time must disprove after its end. */
const ENDED_BY_SUCCESS: ReadonlySet<string | undefined> = new Set(["failing", "billing"]);
const COUNTED = new Set(["overloaded", "internal", "cut_off", "failing"]);
const OF_GROUP_MODEL = new Set(["per_minute", "per_day", "limit_zero", "no_details"]);

const isUpstreamResponse = (outcome: Outcome) =>
  outcome.ok || outcome.upstreamStatus !== undefined || outcome.kind === "no_result" || outcome.kind === "content_policy";

export function createHealthBooks({ chronicle, elapsed, step, now, pool }: Dependencies): HealthBooks {
  const { note } = chronicle;
  const assert: Chronicle["assert"] = chronicle.assert;
  const tokens = new Map<number, Token>();
  const groups = new Map<string, Group>();
  let groupCount = 0;
  /** Tokens whose calls got nowhere since any upstream last answered. */
  let unreached: { token: Token; at: number }[] = [];

  function groupOf({ id, provider, group: name }: TokenRow): Group {
    const key = name === null ? `#${id}` : `${provider} ${name}`;
    const group = groups.get(key) ?? { id: ++groupCount, members: new Set(), families: new Map() };
    groups.set(key, group);
    return group;
  }

  function set(entry: Entry, change: Partial<Entry>): void {
    Object.assign(entry, change, { changedAt: elapsed(), changedIn: step() });
  }

  function remove(token: Token): void {
    token.removed = true;
    tokens.delete(token.row.id);
    token.group.members.delete(token.row.id);
    if (token.group.members.size > 0) return;
    for (const [key, group] of groups) if (group === token.group) groups.delete(key);
  }

  /** The longer of what is and what comes. */
  function hold(entry: Entry, reason: string, until: number): void {
    const time = now();
    if (untilOf(entry, time) >= until) return;
    set(entry, { hold: { reason, since: time, until } });
    note("held", { reason, until: Number.isFinite(until) ? until - time : "operator" });
  }

  function afterSuccess(entry: Entry): void {
    if (isHeld(entry, now()) && entry.hold!.reason !== "failing") return;
    if (entry.hold || entry.consecutiveFailures || entry.possible.length) set(entry, newEntry());
    entry.consecutiveFailures = 0;
  }

  /** Jitter is the pool's own: its choice is taken when it lies within the rule. */
  function grown(token: Token, family: string, failure: Failure): void {
    const entry = entryOf(token.group.families, family);
    const time = now();
    if (isHeld(entry, time) && entry.hold!.reason === "no_details") return;
    const before = untilOf(entry, time);
    const reported = toldEnd(failure, time) ?? 0;
    const { consecutiveFailures } = entry;
    const cooldownMs = (jitter: number) => Math.min(MINUTE * 2 ** consecutiveFailures! * jitter, HOUR);
    const [least, most] = consecutiveFailures === null ? [0.9 * MINUTE, HOUR] : [cooldownMs(0.9), cooldownMs(1.1)];
    set(entry, { consecutiveFailures: consecutiveFailures === null ? null : Math.min(consecutiveFailures + 1, 16) });
    const [witness] = token.group.members;
    if (witness === undefined) return;
    const view = pool()
      .snapshot()
      .find(({ id }) => id === witness)!;
    const shown = view.models.find((model) => model.family === family && model.scope === "group");
    const until = shown ? (shown.until ?? Number.POSITIVE_INFINITY) : 0;
    const [low, high] = [Math.max(before, time + least - 1, reported), Math.max(before, time + most + 1, reported)];
    assert(until >= low && until <= high, "A cooldown without details grows as the rule says:", { low, high, until, consecutiveFailures });
    hold(entry, "no_details", until);
  }

  /** The breaker's opening is seen at the pool, and must and may be as the failures say. */
  function counted(token: Token, isCertain: boolean): void {
    const { own: entry } = token;
    const time = now();
    if (isHeld(entry, time) && entry.hold!.reason === "failing") return;
    const wasHalfOpen = entry.hold?.reason === "failing";
    const recent = (times: number[]) => times.filter((at) => at <= time && time - at <= 2 * MINUTE);
    const certain = isCertain ? [...recent(entry.certain), time] : recent(entry.certain);
    const possible = [...recent(entry.possible), time];
    const facts = {
      token: token.row.id,
      certain: certain.length,
      possible: possible.length,
      wasHalfOpen,
      consecutiveFailures: entry.consecutiveFailures,
    };
    const shown = pool().cooldownOf(token.row.id);
    if (shown?.reason === "failing" && shown.since === time) {
      assert(wasHalfOpen || possible.length >= 5, "A breaker opens after five failures in a row:", facts);
      const expected = time + Math.min(30 * SECOND * 2 ** (entry.consecutiveFailures ?? 0), 10 * MINUTE);
      assert(entry.consecutiveFailures === null || shown.until === expected, "A breaker opens for as long as the rule says:", facts, {
        ms: shown.until! - time,
      });
      const consecutiveFailures = entry.consecutiveFailures === null ? null : entry.consecutiveFailures + 1;
      set(entry, { hold: { reason: "failing", since: time, until: shown.until! }, consecutiveFailures, certain: [], possible: [] });
      note("breaker opened", { token: token.row.id, ms: shown.until! - time });
      return;
    }
    const isMasked = isHeld(entry, time);
    const mustOpen = certain.length >= 5 || (wasHalfOpen && isCertain);
    assert(isMasked || !mustOpen || token.removed, "A breaker opens at the fifth failure, or when its probe fails:", facts);
    // Behind a longer cooldown nobody sees whether it opened; a call that was cut too early to show anything may not have counted.
    if (isMasked && possible.length >= 5) set(entry, { consecutiveFailures: null, certain: [], possible });
    else set(entry, { certain, possible });
  }

  /** Our own network, or the token's proxy: the pool may put the token into cooldown for its proxy's sake, and takes that back. */
  function unreachable(token: Token): void {
    const time = now();
    for (const other of tokens.values()) {
      const shown = pool().cooldownOf(other.row.id);
      const { hold: known } = other.own;
      if (known?.reason === "proxy" && !shown) set(other.own, { hold: null });
      else if (shown?.reason === "proxy" && (known?.until !== shown.until || known.reason !== "proxy")) {
        assert(other === token && other.row.proxy !== null, "Only a token's own proxy is held against it:", { token: other.row.id });
        assert(shown.since === time && shown.until === time + 30 * SECOND, "A proxy is avoided for 30 s:", shown);
        set(other.own, { hold: { reason: "proxy", since: time, until: shown.until! } });
      }
    }
    unreached = [...unreached.filter((one) => one.token !== token && one.at <= time && time - one.at <= MINUTE), { token, at: time }];
    if (new Set(unreached.map((one) => one.token.row.proxy)).size < 2) return;
    const blamed = unreached.filter((one) => !one.token.removed && pool().cooldownOf(one.token.row.id)?.reason === "proxy");
    assert(blamed.length === 0, "An outage of our own network is held against nobody:", { tokens: blamed.map((one) => one.token.row.id) });
  }

  function entriesOf({ own, families, group }: Token, family: string): Entry[] {
    return [own, families.get(family), group.families.get(family)].filter((entry) => entry !== undefined);
  }

  function verifyOne(
    what: object,
    entry: Entry | undefined,
    shown: { reason: string | null; until: number | null } | null | undefined,
  ): void {
    const time = now();
    const expected = entry && isHeld(entry, time) ? entry.hold : null;
    const until = shown ? (shown.until ?? Number.POSITIVE_INFINITY) : 0;
    assert(until === (expected?.until ?? 0), "What is held back is held exactly until its end:", what, { expected, shown, now: time });
    assert(!expected || shown?.reason === expected.reason, "What is held back says why:", what, { expected, shown });
  }

  return {
    tokens,
    load(rows) {
      const ids = new Set(rows.map(({ id }) => id));
      for (const token of [...tokens.values()]) if (!ids.has(token.row.id)) remove(token);
      for (const row of rows) {
        const known = tokens.get(row.id);
        if (known) known.row = row;
        else {
          const token: Token = { row, own: newEntry(), families: new Map(), group: groupOf(row), removed: false };
          token.group.members.add(row.id);
          tokens.set(row.id, token);
        }
      }
    },
    cooldownEnd(token, family, time) {
      const held = entriesOf(token, family).filter((entry) => isHeld(entry, time));
      return {
        until: Math.max(0, ...held.map(({ hold: one }) => one!.until)),
        isFresh: held.every(({ changedIn }) => changedIn === step()),
      };
    },
    isHalfOpen: ({ own }, time) => own.hold !== null && ENDED_BY_SUCCESS.has(own.hold.reason) && own.hold.until <= time,
    report(token, family, outcome) {
      if (isUpstreamResponse(outcome)) unreached = [];
      if (outcome.ok) return [...entriesOf(token, family)].forEach(afterSuccess);
      if (outcome.kind === "network") return unreachable(token);
      if (outcome.detail?.scope === "request") return;
      const reason = outcome.detail?.reason ?? USUAL_REASONS[outcome.kind];
      if (reason === undefined) return;
      const answered = outcome.upstreamStatus !== undefined;
      if (COUNTED.has(reason)) return counted(token, answered && reason !== "overloaded" && outcome.detail?.scope !== "upstream");
      if (reason === "no_details") return grown(token, family, outcome);
      const entries = OF_GROUP_MODEL.has(reason) ? token.group.families : reason === "model_denied" ? token.families : null;
      hold(entries ? entryOf(entries, family) : token.own, reason, FIXED_ENDS[reason]!(outcome, now()));
    },
    proven({ own }) {
      unreached = [];
      if (own.hold?.reason === "key_invalid") set(own, newEntry());
    },
    clear({ own, families, group }, family) {
      const all = (entries: Map<string, Entry>) => [...entries].filter(([name]) => family === undefined || name === family);
      const cleared = [...all(families), ...all(group.families)].map(([, entry]) => entry);
      for (const entry of family === undefined ? [own, ...cleared] : cleared) set(entry, newEntry());
    },
    setBack(before) {
      const time = now();
      for (const { own, families, group } of tokens.values()) {
        for (const entry of [own, ...families.values(), ...group.families.values()]) {
          const { hold: one } = entry;
          if (one && before !== undefined && one.until <= before)
            entry.hold = ENDED_BY_SUCCESS.has(one.reason) ? { ...one, since: time, until: time } : null;
          else if (one && one.since > time) entry.hold = { ...one, since: time, until: time + (one.until - one.since) };
        }
      }
    },
    verify() {
      for (const { row, own } of tokens.values()) verifyOne({ token: row.id }, own, pool().cooldownOf(row.id));
    },
    verifyModels(views) {
      for (const view of views) {
        const { families, group } = tokens.get(view.id)!;
        for (const [scope, entries] of [["token", families] as const, ["group", group.families] as const]) {
          const shown = view.models.filter((model) => model.scope === scope);
          for (const family of new Set([...entries.keys(), ...shown.map((model) => model.family)])) {
            const model = shown.find((one) => one.family === family);
            verifyOne({ token: view.id, family, scope }, entries.get(family), model);
          }
        }
      }
    },
    restart(views, mayLose) {
      const time = now();
      unreached = [];
      const again = (what: object, entry: Entry, shown: { reason: string | null; since: number | null; until: number | null } | null) => {
        const until = shown ? (shown.until ?? Number.POSITIVE_INFINITY) : 0;
        if (until !== untilOf(entry, time)) {
          assert(mayLose(entry.changedAt), "What is held back is held back after a restart:", what, { expected: entry.hold, shown });
          entry.hold = until > time ? { reason: shown!.reason!, since: shown!.since!, until } : null;
        }
        // What is over is not written down, and counts and failures of the last moments may be lost.
        else if (until === 0 && !ENDED_BY_SUCCESS.has(entry.hold?.reason)) entry.hold = null;
        if (mayLose(entry.changedAt))
          Object.assign(entry, {
            consecutiveFailures: null,
            hold: ENDED_BY_SUCCESS.has(entry.hold?.reason) && until <= time ? null : entry.hold,
          });
        entry.certain = [];
      };
      for (const view of views) {
        const { own, families, group } = tokens.get(view.id)!;
        again({ token: view.id }, own, pool().cooldownOf(view.id));
        for (const [scope, entries] of [["token", families] as const, ["group", group.families] as const]) {
          const shown = view.models.filter((model) => model.scope === scope);
          for (const family of new Set([...entries.keys(), ...shown.map((model) => model.family)])) {
            const model = shown.find((one) => one.family === family) ?? null;
            again({ token: view.id, family, scope }, entryOf(entries, family), model);
          }
        }
      }
    },
  };
}

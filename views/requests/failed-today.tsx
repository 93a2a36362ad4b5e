// What failed today by reason, of a token or a key: each count leads to its requests.
import type { FailureSum } from "../../src/domain/request.ts";
import { formatCount } from "../ui/format.ts";
import type { View } from "../ui/view.ts";
import { failureWord, reasonWord } from "./failure-words.ts";
import { type RequestFields, requestsHref } from "./href.ts";

type FailedTodayProps = {
  view: View;
  /** By outcome and reason, the most first. */
  failures: readonly FailureSum[];
  of: { token: number } | { key: number };
};

type Line = { label: string; count: number; href: string; refused: boolean };

export function FailedToday({ view, failures, of }: FailedTodayProps) {
  const t = view.t.failures;
  const lines = "token" in of ? tokenLines(view, failures, of.token) : keyLines(view, failures, of.key);
  const sum = (refused: boolean) => lines.filter((line) => line.refused === refused).reduce((all, { count }) => all + count, 0);
  const [failed, refused] = [sum(false), sum(true)];
  const all: RequestFields = "token" in of ? { ...of, attempt: "failed", span: "today" } : { ...of, outcome: "failed", span: "today" };
  return (
    <section class="box" id="failed-today" aria-labelledby="failed-today-title">
      <header>
        <h2 id="failed-today-title">{t.failedToday}</h2>
        <span class="push soft">{t.todayUtc}</span>
      </header>
      {lines.length === 0 ? (
        <p class="soft">{t.failedTodayNone}</p>
      ) : (
        <>
          <p class="row">
            {failed > 0 && <a href={requestsHref(all)}>{t.failedTimes(formatCount(failed, view.locale))}</a>}
            {refused > 0 && (
              <a href={requestsHref({ ...of, outcome: "refused", span: "today" })}>{t.refusedTimes(formatCount(refused, view.locale))}</a>
            )}
          </p>
          <ul class="list mt-s">
            {lines.map(({ label, count, href }) => (
              <li key={href}>
                <a class="grow" href={href}>
                  {label}
                </a>
                <a class="nw" href={href} aria-label={t.timesReason(formatCount(count, view.locale), label)}>
                  {formatCount(count, view.locale)}
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** By the reason of its calls, whatever became of their requests. */
function tokenLines(view: View, failures: readonly FailureSum[], token: number): Line[] {
  const byReason = new Map<string, number>();
  for (const { reason, count } of failures) byReason.set(reason, (byReason.get(reason) ?? 0) + count);
  return [...byReason].map(([reason, count]) => {
    const href = requestsHref({ token, reason, span: "today" });
    return { label: reasonWord(view, reason), count, href, refused: false };
  });
}

function keyLines(view: View, failures: readonly FailureSum[], key: number): Line[] {
  return failures.map(({ outcome, reason, count, refused }) => {
    const href = requestsHref({ key, outcome, reason, span: "today" });
    return { label: failureWord(view, { outcome, reason }), count, href, refused };
  });
}

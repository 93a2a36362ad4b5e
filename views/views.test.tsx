// Rules for all views: HTML escaping, complete locales, number formats.

import { describe, expect, test } from "bun:test";
import type { VNode } from "preact";
import type { AccountRow } from "../src/domain/account.ts";
import { AccountPage, browserName } from "./auth/account.tsx";
import { ApiTokensPage, NewApiTokenPage } from "./auth/api-tokens.tsx";
import { CodePage } from "./auth/code.tsx";
import { LoginPage, SsoArrivedPage } from "./auth/login.tsx";
import { NewPasswordPage, PeoplePage, ResetPage } from "./auth/people.tsx";
import { ImageFigure, ImageStep, KeyStep, PasswordStep, TokenStep } from "./auth/setup.tsx";
import { RecoveryCodesPage, TwoStepPage } from "./auth/two-step.tsx";
import { en } from "./locales/en.ts";
import { zh } from "./locales/zh.ts";
import { OverviewPage } from "./overview/overview.tsx";
import { SideCallsPage } from "./side-calls.tsx";
import {
  Badge,
  Button,
  Card,
  CodeBlock,
  CopyButton,
  EmptyState,
  HealthBadge,
  JobBadge,
  LinkButton,
  Menu,
  Stat,
  Tabs,
} from "./ui/controls.tsx";
import { ErrorPage } from "./ui/error.tsx";
import { Field, Select, Toggle } from "./ui/fields.tsx";
import { Bytes, Countdown, Duration, Money, Progress, Time } from "./ui/figures.tsx";
import { ActionButton, Form } from "./ui/form.tsx";
import { formatBytes, formatClock, formatDuration, formatRelative, formatUsd } from "./ui/format.ts";
import { documentResponse, fragmentText } from "./ui/html.ts";
import { Layout, PageHead } from "./ui/layout.tsx";
import { ErrorAlert, Toast, ToastBeside } from "./ui/messages.tsx";
import { NAV } from "./ui/nav.ts";
import { BulkBar, Cell, FilterBar, Pager, Row, Table } from "./ui/table.tsx";
import { chooseLocale, type View } from "./ui/view.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const ASSETS = {
  "app.css": "/a.css",
  "app.js": "/a.js",
  "forms.js": "/f.js",
  "icon.svg": "/i.svg",
  "htmx.min.js": "/h.js",
  "uPlot.iife.min.js": "/u.js",
  "uPlot.min.css": "/u.css",
  "plot.js": "/p.js",
};
const view = (change: Partial<View> = {}): View =>
  ({
    t: en,
    locale: "en",
    theme: "dark",
    now: NOW,
    timeZone: null,
    formToken: "the-token",
    form: null,
    may: () => true,
    assets: ASSETS,
    path: "/admin",
    insecure: false,
    simulated: false,
    ...change,
  }) as View;

const NEVER = { expiresAt: null, usedAt: null };

const ACCOUNT: AccountRow = {
  id: 1,
  source: "password",
  subject: "admin",
  name: "admin",
  role: "admin",
  passwordHash: null,
  passwordTemporary: false,
  totpSecret: null,
  totpStep: 0,
  recoveryHashes: [],
  createdAt: NOW,
  signedInAt: NOW,
  vouchedAt: null,
  listedGroups: null,
};

const NO_KIND = <Kind extends "image" | "video">(kind: Kind) => ({
  ...{ kind, state: "ready" as const, made: 1, runsOutAt: NOW, tokens: 1, ready: 1, busy: 0, until: null, reason: null },
  ...{ left: { requests: 1, of: 2 }, credits: null },
});
const NO_DAY = { hours: [{ served: 1, failed: 1, p50Ms: 5, p95Ms: null }], yesterday: [1], served: 1, failed: 1, p50Ms: 1, p95Ms: 2 };
const EVIL = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`;
const NO_SIDE_CALLS = { answered: 0, generated: 0 };
const SUSPECT = {
  id: EVIL,
  sample: EVIL,
  kind: "image" as const,
  maxTokens: null,
  signs: [],
  count: 5,
  firstAt: NOW,
  lastAt: NOW,
  keyId: 1,
  model: EVIL,
};

describe("hostile text", () => {
  const v = view({ path: EVIL, formToken: EVIL });
  const undo = { action: EVIL, fields: { [EVIL]: EVIL } };
  const cases: [string, VNode][] = [
    ["layout", Layout({ view: v, title: EVIL, nav: "overview", notices: [{ text: EVIL, undo }], children: EVIL })],
    ["page head", PageHead({ title: EVIL, about: EVIL, actions: EVIL })],
    ["error page", ErrorPage({ view: v, message: EVIL, title: EVIL, nav: null })],
    ["error alert", ErrorAlert({ view: v, message: EVIL, wrong: { [EVIL]: EVIL } })],
    ["toast", Toast({ view: v, text: EVIL, undo })],
    ["toast beside", ToastBeside({ view: v, notice: { text: EVIL, undo } })],
    ["button", Button({ label: EVIL, name: EVIL, value: EVIL, children: EVIL })],
    ["link", LinkButton({ href: EVIL, children: EVIL })],
    ["form", Form({ view: v, action: EVIL, label: EVIL, children: EVIL })],
    ["action", ActionButton({ view: v, action: EVIL, target: EVIL, fields: { [EVIL]: EVIL }, children: EVIL })],
    ["field", Field({ name: EVIL, label: EVIL, hint: EVIL, error: EVIL, value: EVIL, placeholder: EVIL })],
    ["several lines", Field({ name: "x", label: "x", value: `</textarea>${EVIL}`, rows: 2 })],
    ["select", Select({ name: EVIL, label: EVIL, value: EVIL, options: [{ value: EVIL, label: `</option></select>${EVIL}` }] })],
    ["toggle", Toggle({ name: EVIL, label: EVIL, hint: EVIL, on: true })],
    ["badge", Badge({ tone: "ok", title: EVIL, children: EVIL })],
    ["health", HealthBadge({ view: v, state: "blocked", reason: EVIL })],
    ["card", Card({ title: EVIL, actions: EVIL, id: EVIL, children: EVIL })],
    ["stat", Stat({ label: EVIL, note: EVIL, href: EVIL, children: EVIL })],
    ["empty", EmptyState({ title: EVIL, action: EVIL, children: EVIL })],
    ["tabs", Tabs({ label: EVIL, tabs: [{ href: EVIL, label: EVIL, current: true, count: EVIL }] })],
    ["copy", CopyButton({ view: v, text: EVIL, from: EVIL, label: EVIL })],
    ["code", CodeBlock({ id: EVIL, text: `</pre>${EVIL}` })],
    ["menu", Menu({ label: EVIL, children: EVIL })],
    [
      "table",
      Table({
        view: v,
        label: EVIL,
        id: EVIL,
        columns: [{ key: EVIL, label: EVIL, sortable: true }],
        sorting: { by: EVIL, descending: true, href: () => EVIL },
        children: EVIL,
      }),
    ],
    ["row", Row({ view: v, id: EVIL, select: { id: EVIL, name: EVIL }, children: Cell({ label: EVIL, children: EVIL }) })],
    ["pager", Pager({ view: v, next: EVIL, first: EVIL })!],
    ["bulk", BulkBar({ view: v, action: EVIL, children: EVIL })],
    ["filters", FilterBar({ view: v, action: EVIL, query: EVIL, children: EVIL })],
    ["progress", Progress({ label: EVIL })],
    ["login", LoginPage({ view: v, next: EVIL, name: EVIL, isFirst: true, byPassword: true, sso: EVIL, problem: { kind: "wrong" } })],
    [
      "login of single sign-on",
      LoginPage({ view: v, next: EVIL, name: EVIL, isFirst: false, byPassword: false, sso: EVIL, problem: { kind: "sso", subject: EVIL } }),
    ],
    ["arrived", SsoArrivedPage({ view: v, next: EVIL })],
    ["code", CodePage({ view: v, problem: { kind: "wrong" } })],
    [
      "two-step",
      TwoStepPage({ view: v, setup: { secret: EVIL, modules: [[true]], size: 1 }, wrong: { current: EVIL, code: EVIL }, left: 1 }),
    ],
    ["two-step on", TwoStepPage({ view: v, setup: null, wrong: { current: EVIL }, left: 1 })],
    ["recovery codes", RecoveryCodesPage({ view: v, codes: [EVIL] })],
    [
      "people",
      PeoplePage({
        ...{ view: v, next: 1, isFirst: false },
        people: [
          {
            ...{ id: 2, name: EVIL, role: "viewer", source: "password", hasTwoStep: true, isWaiting: true },
            ...{ sessions: 1, tokens: 2, signedInAt: null, isOwn: false, isFirst: false },
          },
        ],
        wrong: { name: EVIL },
        values: { name: EVIL, role: EVIL },
      }),
    ],
    [
      "admin tokens",
      ApiTokensPage({
        view: v,
        tokens: [
          { id: 1, name: EVIL, prefix: EVIL, scope: "read", createdBy: EVIL, createdAt: NOW, ...NEVER, owner: EVIL, hold: "unseen" },
        ],
        isOfOne: true,
      }),
    ],
    ["admin token", NewApiTokenPage({ view: v, name: EVIL, token: EVIL, origin: EVIL })],
    ["new password", ResetPage({ view: v, id: 2, name: EVIL, tokens: 2 })],
    ["one-time password", NewPasswordPage({ view: v, name: EVIL, password: EVIL })],
    ["password", PasswordStep({ view: v, problem: { message: EVIL } })],
    ["key", KeyStep({ view: v, existing: 1, made: EVIL, origin: EVIL })],
    [
      "token",
      TokenStep({
        view: v,
        existing: 1,
        providers: [EVIL],
        chosen: EVIL,
        label: EVIL,
        problem: { message: EVIL, wrong: { [EVIL]: EVIL } },
      }),
    ],
    ["picture", ImageFigure({ view: v, made: { src: EVIL, ms: 1, label: EVIL, prompt: EVIL } })],
    ["picture step", ImageStep({ view: v, canMake: true, simulated: false })],
    [
      "account",
      AccountPage({
        view: v,
        account: { ...ACCOUNT, name: EVIL },
        ...{ canManage: true, next: EVIL, isFirst: false },
        sessions: [{ account: EVIL, mark: EVIL, agent: EVIL, address: EVIL, createdAt: NOW, seenAt: NOW, isThis: false }],
        entries: [
          { id: 1, at: NOW, actor: EVIL, address: EVIL, action: EVIL, subject: EVIL, before: EVIL, after: { [EVIL]: EVIL }, items: 0 },
        ],
      }),
    ],
    [
      "side calls",
      SideCallsPage({
        view: v,
        data: {
          today: NO_SIDE_CALLS,
          month: NO_SIDE_CALLS,
          suspects: [SUSPECT],
          rules: [{ id: EVIL, sample: EVIL, kind: "video", maxTokens: 5, since: NOW }],
        },
      }),
    ],
    [
      "overview",
      OverviewPage({
        view: v,
        origin: EVIL,
        look: {
          band: {
            image: NO_KIND("image"),
            video: { ...NO_KIND("video"), state: "cannot", reason: "billing" },
            tokens: { total: 1, healthy: 0, cooling: 0, blocked: 1, disabled: 0, partly: 0 },
            level: { shares: [1, 0.5], end: 0, of: "image" },
          },
          board: {
            ...{ providers: [EVIL], unserved: 1 },
            rows: [{ family: EVIL, kind: "image", tiles: [{ provider: EVIL, ...NO_KIND("image"), state: "cannot", reason: "billing" }] }],
          },
          work: {
            ...{ running: 1, queued: 0 },
            rows: [
              {
                ...{ id: EVIL, requestId: EVIL, jobId: EVIL, kind: "image", keyId: 1, keyName: EVIL, model: EVIL, startedAt: NOW },
                ...{ state: "running", position: null, waitMs: null, token: { id: 1, label: EVIL }, usualMs: 1, isEnding: false },
              },
            ],
          },
          needs: [
            {
              ...{ id: "tokens:x:billing", level: "warn", since: NOW, kind: "tokens", provider: EVIL, reason: "billing", count: 9 },
              ...{ named: [{ id: 1, label: EVIL }], families: [EVIL], fix: "clear" },
            },
            {
              ...{ id: "jobs:unknown", level: "bad", since: NOW, kind: "jobs", count: 1, usd: 1 },
              named: [{ id: EVIL, requestId: EVIL, model: EVIL, at: NOW, usd: 1 }],
            },
          ],
          today: { from: NOW, kinds: { image: NO_DAY, video: NO_DAY }, spend: { hours: [1], yesterday: [1], today: 1, more: 0 } },
          keys: [{ id: 1, name: EVIL, usd: 1, limit: 2 }],
          sideCalls: { today: NO_SIDE_CALLS, month: NO_SIDE_CALLS, suspects: [SUSPECT], rules: 1 },
        },
      }),
    ],
  ];

  /** Elements and attributes that a browser would run. */
  function dangers(html: string): string[] {
    const found: string[] = [];
    const look = (element: HTMLRewriterTypes.Element) => {
      const names = [...element.attributes].map(([name]) => name!);
      if (names.some((name) => name.startsWith("on"))) found.push(`<${element.tagName} ${names.join(" ")}>`);
      if (element.tagName === "script" && element.getAttribute("src") === null) found.push("<script>");
    };
    new HTMLRewriter().on("*", { element: look }).transform(html);
    return found;
  }

  test("would be found", () => {
    expect(dangers(EVIL)).toEqual(["<img src onerror>", "<script>"]);
  });

  test.each(cases)("stays text in: %s", (_name, node) => {
    expect(dangers(fragmentText(node))).toEqual([]);
  });
});

describe("the policy", () => {
  test("no page has an inline script, an inline style or a handler in an attribute", async () => {
    const body = AccountPage({ view: view(), account: ACCOUNT, canManage: true, sessions: [], next: null, isFirst: true, entries: [] });
    const html = await documentResponse(Layout({ view: view(), title: "x", nav: "account", children: body })).text();
    expect(html).toStartWith("<!doctype html><html");
    expect(html).not.toMatch(/ style=|<style| on\w+=|hx-on|javascript:|<script(?![^>]*src=)/);
  });
});

describe("languages", () => {
  type Texts = { [name: string]: string | Texts | ((...values: never[]) => string) };
  const paths = (texts: Texts, prefix = ""): string[] =>
    Object.entries(texts).flatMap(([name, value]) =>
      typeof value === "object" ? paths(value, `${prefix}${name}.`) : [`${prefix}${name}`],
    );
  const empty = (texts: Texts): string[] =>
    Object.entries(texts).flatMap(([name, value]) => (typeof value === "object" ? empty(value) : value === "" ? [name] : []));

  test("have the same texts, none of them empty", () => {
    expect(paths(zh as unknown as Texts).sort()).toEqual(paths(en as unknown as Texts).sort());
    expect([...empty(en as unknown as Texts), ...empty(zh as unknown as Texts)]).toEqual([]);
  });

  test.each([
    ["zh-CN,zh;q=0.9,en;q=0.8", "zh"],
    ["zh-TW", "zh"],
    ["de-DE,de;q=0.9,en;q=0.8", "en"],
    ["fr", "en"],
    [null, "en"],
    ["constructor", "en"],
  ] as const)("a browser that asks for %p gets %s", (asked, locale) => {
    expect(chooseLocale(asked)).toBe(locale);
  });

  test("every page of the menu has a letter of its own", () => {
    expect(new Set(NAV.map(({ letter }) => letter)).size).toBe(NAV.length);
  });
});

describe("figures", () => {
  test.each([
    [0, "0 ms"],
    [840, "840 ms"],
    [2_400, "2.4 s"],
    [59_999, "60 s"],
    [200_000, "3 min 20 s"],
    [3_600_000, "1 h"],
    [7_500_000, "2 h 5 min"],
    [356_400_000, "4 d 3 h"],
  ])("%d ms: %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

  test.each([
    [0, "0 B"],
    [1023, "1,023 B"],
    [1536, "1.5 KiB"],
    [10 * 1024 ** 3, "10 GiB"],
    [5 * 1024 ** 5, "5,120 TiB"],
  ])("%d bytes: %s", (bytes, text) => expect(formatBytes(bytes, "en")).toBe(text));

  test.each([
    [0, "$0.00"],
    [0.039, "$0.0390"],
    [12.5, "$12.50"],
    [-1, "-$1.00"],
  ])("%d dollars: %s", (usd, text) => expect(formatUsd(usd, "en")).toBe(text));

  test.each([
    [0, "now"],
    [-5_000, "5s ago"],
    [-125_000, "2m ago"],
    [3 * 3_600_000, "in 3h"],
    [-86_400_000, "yesterday"],
  ])("%d ms from now: %s", (offset, text) => expect(formatRelative(NOW + offset, NOW, "en")).toBe(text));

  test.each([
    [NOW - 3_600_000, "Asia/Shanghai", "en", "19:00:00"],
    // Already tomorrow there.
    [NOW + 5 * 3_600_000, "Asia/Shanghai", "en", "Nov 24, 01:00"],
    [NOW - 86_400_000, "America/New_York", "zh", "11月22日 07:00"],
    [NOW - 400 * 86_400_000, "Europe/Berlin", "en", "Oct 19, 2025"],
    [NOW - 3_600_000, null, "en", "11:00:00 UTC"],
  ] as const)("%d in %s: %s", (time, timeZone, locale, text) => expect(formatClock(time, { now: NOW, locale, timeZone })).toBe(text));

  test("a time carries the exact one, and nothing stands for none", () => {
    expect(fragmentText(Time({ view: view(), value: NOW - 60_000 }))).toBe(
      '<time datetime="2026-11-23T11:59:00.000Z" title="2026-11-23 11:59:00 UTC" data-time="clock">11:59:00 UTC</time>',
    );
    expect(fragmentText(Time({ view: view({ timeZone: "Asia/Shanghai" }), value: NOW - 60_000, ago: true }))).toContain(
      'title="2026-11-23 11:59:00 UTC" data-time="both">19:59:00 · 1m ago<',
    );
    expect(fragmentText(Time({ view: view(), value: null }))).toContain("–");
    expect(fragmentText(Countdown({ view: view(), value: NOW + 5000 }))).toContain('data-time="countdown"');
    expect(
      [Bytes({ view: view(), value: 1536 }), Money({ view: view(), value: 1 }), Duration({ value: 5 })].map(fragmentText).join(),
    ).toMatch(/1.5 KiB.*\$1.00.*5 ms/);
  });
});

test("a form carries the session's token, and a job's state is a word", () => {
  expect(fragmentText(Form({ view: view(), action: "/admin/x" }))).toContain('<input type="hidden" name="form_token" value="the-token"/>');
  expect(fragmentText(JobBadge({ view: view({ t: zh, locale: "zh" }), state: "unknown" }))).toContain("未知");
});

test.each([
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36", "Chrome, Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox, Mac"],
  ["curl/8", "curl/8"],
])("%s is shown as %s", (agent, shown) => expect(browserName(agent)).toBe(shown));

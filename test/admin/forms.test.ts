// Every form of the admin with a mistake in every field: its page again, the error under its field, what was typed still there.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FLOW, GEMINI, type Rig, startRig } from "../rig.ts";
import { type SignedIn, signIn } from "./admin.ts";
import { examplesOf, fillAdmin, htmlRoutes } from "./world.ts";

/**
 * Forms with a field to type in, by address; a form without a row fails. `mistakes`: what is wrong in a field, where too long a text, or a
 * word for a number, is not it. `right`: fields in which nothing that can be typed is wrong.
 */
const FORMS: Record<string, { mistakes?: Record<string, string>; right?: string[]; also?: Record<string, string> }> = {
  "/admin/tokens": {
    mistakes: { secret: "hello world", location: "Not a place", proxy: "ftp://x", tags: "t".repeat(1001) },
    right: ["file"],
  },
  "/admin/tokens/:id/settings": {
    mistakes: { proxy: "ftp://x", tags: "t".repeat(1001), allow_families: "m".repeat(1001), deny_families: "m".repeat(1001) },
  },
  "/admin/tokens/:id/row": {},
  "/admin/tokens/:id/secret": { mistakes: { secret: "hello world" }, right: ["file"] },
  "/admin/tokens/bulk": {
    also: { act: "set" },
    mistakes: { proxy: "ftp://x", requests_per_minute: "lots", requests_per_day: "lots", images_per_minute: "lots", usd_per_day: "lots" },
  },
  "/admin/tokens/import": { right: ["text", "file"] },
  "/admin/tokens/replace": { right: ["text", "file"] },
  "/admin/tokens/groups/caps": {},
  "/admin/keys/new": { mistakes: { expires: "never", addresses: "nowhere", more_models: "no-such-model" } },
  "/admin/keys/:id/edit": { mistakes: { expires: "never", addresses: "nowhere", more_models: "no-such-model" } },
  "/admin/keys/:id/webhook": { mistakes: { webhook_url: "ftp://x" } },
  "/admin/keys/:id/rotate": {},
  "/admin/account/password": { mistakes: { password: "short", again: "another" }, right: ["current"] },
  "/admin/account/people": {},
  "/admin/account/api-tokens": {},
  "/admin/models/:id/prices": {},
  "/admin/settings/secret/:id": { mistakes: { secret: "short" }, also: { act: "save" } },
  "/admin/welcome/key": {},
  "/admin/welcome/token": {},
  "/admin/welcome/picture": {},
  "/admin/models/:id/edit": { mistakes: { text: "[[family]\n" } },
  "/admin/models/new": { mistakes: { text: "[[family]\n" } },
  "/admin/models/import": { mistakes: { text: "[[family]\n" }, right: ["file"] },
  "/admin/account/two-step": { mistakes: { current: "not the password", code: "x".repeat(11) } },
  "/admin/settings/alerts/rules": {
    mistakes: { "value.quiet_from": "noon", "value.quiet_to": "25:00", "value.time_zone": "Nowhere/Else" },
  },
  "/admin/settings/alerts/channels/:id": { mistakes: { "config.url": "ftp://x" } },
  "/admin/system/backup/schedule": {},
};

/** Forms whose mistakes are shown in another way, on purpose. */
const ELSEWHERE: Record<string, string> = {
  "/admin/playground/runs": "its mistakes come beside the form, which goes on with what it has: playground.test.ts",
  "/admin/settings/review": "a page of its own between the form and the change marks each setting: settings.test.ts",
  "/admin/system/restore": "a file alone, which is named when it is missing: system.test.ts",
};

type Control = { name: string; type: string; maxLength: number | null; mode: string | null; value: string };
type Form = { action: string; page: string; controls: Control[]; hidden: [string, string][] };

let rig: Rig;
let me: SignedIn;
let forms: Form[];

const patternOf = (action: string) =>
  action.replace(/\/(\d+|[a-z0-9]{26}|gemini-[\w.-]+|channel\d+|plugin\.\w+|(req|job|media|resp)_[a-z0-9]+)(?=\/|$)/g, "/:id");
const attribute = (tag: string, name: string) => new RegExp(`\\s${name}(?:="([^"]*)"|(?=[\\s/>]))`).exec(tag);
const text = (html: string) =>
  html.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Forms that change something, with the fields that one can type in. */
function formsOf(html: string, page: string): Form[] {
  return [...html.matchAll(/<form method="post" action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)].map(([, action, body]) => {
    const hidden: [string, string][] = [];
    const controls: Control[] = [];
    for (const [tag, element, inside] of body!.matchAll(/<(input|select|textarea)\b[^>]*?(?:\/>|>([^<]*))/g)) {
      const name = attribute(tag, "name")?.[1];
      if (!name) continue;
      const type = element === "textarea" ? "textarea" : element === "select" ? "select" : (attribute(tag, "type")?.[1] ?? "text");
      const value = text(element === "textarea" ? (inside ?? "") : (attribute(tag, "value")?.[1] ?? ""));
      if (type === "hidden" || type === "select") {
        if (type === "hidden" && !["form_token", "form_page"].includes(name)) hidden.push([name, value]);
        continue;
      }
      if (type === "checkbox" || type === "radio" || type === "submit") continue;
      const maxLength = attribute(tag, "maxlength")?.[1];
      controls.push({ name, type, maxLength: maxLength ? Number(maxLength) : null, mode: attribute(tag, "inputmode")?.[1] ?? null, value });
    }
    const chosen = [...body!.matchAll(/<select[^>]*\sname="([^"]*)"[^>]*>([\s\S]*?)<\/select>/g)];
    for (const [, name, options] of chosen) {
      const found = /<option value="([^"]*)" selected/.exec(options!) ?? /<option value="?([^" >]*)"?/.exec(options!);
      hidden.push([name!, found?.[1] ?? ""]);
    }
    return { action: text(action!), page, controls, hidden };
  });
}

beforeAll(async () => {
  rig = await startRig({ tokens: [GEMINI, FLOW], settings: { "requests.record_payloads": true } });
  me = await signIn(rig);
  const world = await fillAdmin(rig, me, ["a plain text"]);
  const found = new Map<string, Form>();
  for (const route of await htmlRoutes(rig))
    for (const path of examplesOf(route, world)) {
      const response = await me.get(path);
      if (!response.headers.get("content-type")?.startsWith("text/html")) continue;
      for (const form of formsOf(await response.text(), path))
        if (form.controls.length > 0 && !found.has(patternOf(form.action))) found.set(patternOf(form.action), form);
    }
  forms = [...found.values()];
}, 120_000);
afterAll(() => rig[Symbol.asyncDispose]());

/** What is wrong in each field that can be wrong. */
function mistakesIn({ action, controls }: Form): Record<string, string> {
  const { mistakes = {}, right = [] } = FORMS[patternOf(action)] ?? {};
  const wrong: Record<string, string> = {};
  for (const { name, maxLength, mode } of controls) {
    if (right.includes(name)) continue;
    const typed = mistakes[name] ?? (mode ? "lots" : maxLength ? "x".repeat(maxLength + 1) : undefined);
    if (typed === undefined) throw new Error(`${action}: say what is wrong in ${name}, or that nothing is.`);
    wrong[name] = typed;
  }
  return wrong;
}

const bodyOf = ({ action, hidden, controls, page }: Form, wrong: Record<string, string>) => ({
  ...Object.fromEntries(hidden),
  ...Object.fromEntries(controls.map(({ name, value }) => [name, value])),
  ...FORMS[patternOf(action)]?.also,
  ...wrong,
  form_page: page,
});

/** Each wrong field of the answer: marked, described by an error that is there, and holding what was typed. */
function assertMistakes(html: string, form: Form, wrong: Record<string, string>): void {
  const parts = html.split("<form ").filter((part) => part.includes(`action="${form.action}"`));
  const answered = (parts.find((part) => part.includes('role="alert"')) ?? "").split("</form>")[0]!;
  expect([form.action, answered !== ""]).toEqual([form.action, true]);
  for (const [name, typed] of Object.entries(wrong)) {
    const tag = new RegExp(`<(?:input|textarea)[^>]*\\sname="${name}"[^>]*>([^<]*)`).exec(answered);
    expect(tag, `${form.action} ${name}`).not.toBeNull();
    expect([name, tag![0].includes('aria-invalid="true"'), tag![0].includes("autofocus")]).toEqual([name, true, true]);
    const ids = /aria-describedby="([^"]*)"/.exec(tag![0])![1]!.split(" ");
    expect(answered, `${form.action} ${name}`).toContain(`id="${ids.at(-1)}" class="err"`);
    const control = form.controls.find((one) => one.name === name)!;
    if (control.type === "password" && name !== "secret") continue;
    expect([name, text(control.type === "textarea" ? tag![1]! : (/\svalue="([^"]*)"/.exec(tag![0])?.[1] ?? ""))]).toEqual([name, typed]);
  }
}

test("every form with a field to type in has a row here", () => {
  const known = new Set([...Object.keys(FORMS), ...Object.keys(ELSEWHERE)]);
  expect(forms.map(({ action }) => patternOf(action)).filter((action) => !known.has(action))).toEqual([]);
  const there = new Set(forms.map(({ action }) => patternOf(action)));
  expect(Object.keys(FORMS).filter((action) => !there.has(action))).toEqual([]);
});

describe("a mistake in every field", () => {
  test.each(Object.keys(FORMS))("of %s", async (pattern) => {
    const form = forms.find(({ action }) => patternOf(action) === pattern)!;
    const wrong = mistakesIn(form);
    const plain = await me.post(form.action, bodyOf(form, wrong));
    const html = await plain.text();
    // The edited row of a list is a part of a page; the setup has no menu.
    const isPart = pattern.endsWith("/row");
    expect([plain.status, html.includes("<nav")]).toEqual([422, !isPart && !pattern.includes("/welcome/")]);
    assertMistakes(html, form, wrong);
    const byHtmx = await me.htmx(form.action, bodyOf(form, wrong));
    expect([byHtmx.status, byHtmx.headers.get("hx-retarget")]).toEqual([422, isPart ? null : "#main"]);
    assertMistakes(await byHtmx.text(), form, wrong);
  });
});

test("who may not open a page does not get it by a mistake in a form", async () => {
  const sent = await fetch(`${rig.url}/admin/tokens`, {
    method: "POST",
    redirect: "manual",
    headers: { origin: rig.url },
    body: new URLSearchParams({ form_page: "/admin/tokens", secret: "x" }),
  });
  expect([sent.status, (await sent.text()).includes("alpha")]).toEqual([401, false]);
  for (const page of ["/admin/nowhere", "//evil.example/admin", "https://evil.example", "/admin/tokens/export.json", ""]) {
    const answer = await me.post("/admin/tokens", { provider: "gemini", secret: "x", form_page: page });
    expect([page, answer.status, (await answer.text()).includes("The action failed")]).toEqual([page, 422, true]);
  }
});

// Parts of a live page that are alike for all who view it: read and rendered once a look, however many tabs are open.

import type { VNode } from "preact";
import { fragmentText } from "../../views/ui/html.ts";
import type { View } from "../../views/ui/view.ts";

/** `shown` is what a change is told by: without what browsers change by themselves. */
export type Part = { id: string; text: string; shown: string };

/** Stands for the form token of each session, which is put in as a part is sent. */
const TOKEN = "form-token-of-the-session";
/** Tabs whose looks lie so near to each other see the same. */
const FRESH_MS = 900;
/** Languages and days of readers; more are of nobody. */
const MAX_KNOWN = 50;

/** `isFirst`: the page was made a moment ago, and is not to show what was before it. */
type Named = { name: string; page: string; isFirst?: boolean };
type Known = { at: number; parts: Promise<Part[]> };

export class SharedParts {
  readonly #known = new Map<string, Known>();

  constructor(private readonly now: () => number) {}

  /** @param name of what is read; language and role of the reader are added. @param page whose parts they are */
  read(view: View, named: Named, make: (view: View) => Promise<{ id: string; node: VNode }[]>): Promise<Part[]> {
    return this.readParts(view, named, async (rendered, before) => (await make(rendered)).map(({ id, node }) => partOf(id, node, before)));
  }

  /** As {@link read}, for who renders by itself what has changed. @param make is given what was shown before */
  readParts(view: View, { name, page, isFirst = false }: Named, make: (view: View, before: Parts) => Promise<Part[]>): Promise<Part[]> {
    const key = `${name} ${view.locale} ${view.timeZone} ${view.may(page)}`;
    const known = this.#known.get(key);
    const age = known ? this.now() - known.at : FRESH_MS;
    if (known && !isFirst && age >= 0 && age < FRESH_MS) return known.parts;
    if (!known && this.#known.size >= MAX_KNOWN) this.#known.clear();
    const parts = makeAfter(known?.parts, (before) => make({ ...view, formToken: TOKEN, path: page }, before));
    this.#known.set(key, { at: this.now(), parts });
    parts.catch(() => this.#known.delete(key));
    return parts;
  }
}

/** By id. */
type Parts = ReadonlyMap<string, Part>;

async function makeAfter(before: Promise<Part[]> | undefined, make: (before: Parts) => Promise<Part[]>): Promise<Part[]> {
  const old = (await before?.catch(() => [])) ?? [];
  return make(new Map(old.map((part) => [part.id, part])));
}

/** What has not changed stays the same object, so that each tab compares no text. */
export function partOf(id: string, node: VNode, before?: Parts): Part {
  const text = fragmentText(node);
  const shown = withoutChanging(text);
  const known = before?.get(id);
  return known?.shown === shown ? known : { id, text, shown };
}

/** As it is sent to one session. */
export const textFor = ({ text }: Part, { formToken }: View): string => text.replaceAll(TOKEN, formToken);

/** The text with every `<time>` emptied: what it shows changes by itself. */
function withoutTimes(html: string): string {
  const pieces = html.split("</time>");
  return pieces.map((piece, at) => (at === pieces.length - 1 ? piece : piece.slice(0, piece.lastIndexOf(">") + 1))).join("</time>");
}

/** What browsers change by themselves, taken out: times, and bars that move with them. */
const withoutChanging = (html: string): string => withoutTimes(html).replace(/(<rect data-elapsed="") width="\d+"/g, "$1");

// flow2api token set: changes how the pool uses a token.

import { nearest } from "../../config/nearest.ts";
import type { TokenChange, TokenRow } from "../../domain/token.ts";
import { AppError } from "../../errors.ts";
import type { Catalogue } from "../../gateway/models/catalogue/catalogue.ts";
import { readLocation, withLocation } from "../../gateway/tokens/cloud-account.ts";
import { editable } from "../../gateway/tokens/manage-tokens.ts";
import { readProxy } from "../../gateway/tokens/proxy-address.ts";
import { modelsWithoutFolder, openFolder } from "../folder.ts";
import { given, onlyGiven, readDecimal, readEnabled, readId, readList, readSwitch, readWhole, wrongValue } from "../option-values.ts";
import { type Call, defineVerb, FOLDER_OPTIONS, type Io, type Options, usageError } from "../verb.ts";

const option = (value: string, help: string) => ({ type: "string", value, help }) as const;

const TOKEN_OPTIONS = {
  label: option("L", "name for people"),
  group: option("G", "tokens of one group share one upstream quota; empty: a group of its own"),
  enable: { type: "boolean", help: "let the pool use it" },
  disable: { type: "boolean", help: "keep the pool from using it" },
  image: option("on|off", "use it for images"),
  video: option("on|off", "use it for video"),
  "image-concurrency": option("N", "image calls at once, -1 unlimited"),
  "video-concurrency": option("N", "video calls at once, -1 unlimited"),
  weight: option("W", "its share where the strategy is weighted"),
  priority: option("P", "a token of a higher priority is taken first"),
  allow: option("A,B", "only these families; empty: all"),
  deny: option("A,B", "not these families; empty: none"),
  rpm: option("N", "own cap: calls in any 60 seconds; empty: none"),
  rpd: option("N", "own cap: calls a day (America/Los_Angeles); empty: none"),
  ipm: option("N", "own cap: images in any 60 seconds; empty: none"),
  "usd-day": option("USD", "own cap: estimated money a day (America/Los_Angeles); empty: none"),
  location: option("L", "vertex: location that serves it, such as eu or us-central1; empty: global"),
  proxy: option("URL|-", "http(s) or SOCKS5 proxy of its calls; - reads it from standard input; empty: that of the pool"),
  note: option("TEXT", "whatever you want to remember"),
  tags: option("A,B", "words to find it by"),
} as const satisfies Options;

type Values = Call<typeof TOKEN_OPTIONS>["values"];

const MAX_CALLS = 1000;
const MAX_CAP = 1e9;

export const tokenSet = defineVerb({
  name: "token set",
  summary: "Change a token of the pool; an empty value clears, e.g. --group=''.",
  positionals: ["ID"],
  options: { ...TOKEN_OPTIONS, ...FOLDER_OPTIONS },
  async run({ values, positionals, io }) {
    const id = readId(positionals[0]!, "token list");
    const change: TokenChange = { ...readChange(values), proxy: await readProxyOption(values.proxy, io) };
    const caps = readCaps(values);
    // Wrong usage is reported before the folder is touched.
    onlyGiven({ ...change, caps });
    assertChange(modelsWithoutFolder(values, io)?.current(), change);
    await using folder = await openFolder(values, io);
    assertChange(folder.models.current(), change);
    const token = (await folder.store.listTokens()).find((row) => row.id === id);
    if (!token) throw new AppError("not_found", `There is no token ${id}.`);
    const all = withLocation({ ...change, caps: caps && withCaps(token.caps, caps) }, token);
    const after = await folder.store.updateToken(id, all);
    const entry = { before: editable(token), after: editable(after) };
    if (!Bun.deepEquals(entry.before, entry.after)) await folder.record({ action: "token.change", subject: `token ${id}`, ...entry });
    io.stdout(`Token ${id} is changed.\n`);
    return 0;
  },
});

function readChange(values: Values): TokenChange {
  const concurrency = (name: "image-concurrency" | "video-concurrency") => must(name, given(values[name], readWhole(name, -1, MAX_CALLS)));
  const list = (text: string | undefined, read: (text: string) => string[]) => {
    const items = given(text, read);
    return items === null ? [] : items;
  };
  return {
    label: must("label", given(values.label, String)),
    group: given(values.group, String),
    location: given(values.location, readLocationText),
    enabled: readEnabled(values),
    imageEnabled: must("image", given(values.image, readSwitch("image"))),
    videoEnabled: must("video", given(values.video, readSwitch("video"))),
    imageConcurrency: concurrency("image-concurrency"),
    videoConcurrency: concurrency("video-concurrency"),
    weight: must("weight", given(values.weight, readDecimal("weight", 3))),
    priority: must("priority", given(values.priority, readWhole("priority", -1000, 1000))),
    allowFamilies: list(values.allow, readList),
    denyFamilies: list(values.deny, readList),
    note: values.note?.trim(),
    tags: list(values.tags, readList),
  };
}

function readLocationText(text: string): string | null {
  const location = readLocation(text);
  if (location === undefined) throw wrongValue("location", "a location such as global, eu or us-central1", text);
  return location;
}

/** Of what cannot be cleared. */
function must<T>(name: string, value: T | null | undefined): T | undefined {
  if (value === null) throw usageError(`--${name}: expected a value, got nothing.`);
  return value;
}

/** @param catalogue absent: it is not known yet */
function assertChange(catalogue: Catalogue | undefined, { allowFamilies, denyFamilies }: TokenChange): void {
  if (!catalogue) return;
  assertFamilies(catalogue, "allow", allowFamilies);
  assertFamilies(catalogue, "deny", denyFamilies);
}

/** @throws {AppError} reason `usage` for what is no family of the catalogue */
function assertFamilies(catalogue: Catalogue, name: string, families: readonly string[] = []): void {
  const known = [...catalogue.families("image"), ...catalogue.families("video")].map(({ id }) => id);
  const unknown = families.find((family) => !known.includes(family));
  if (unknown !== undefined) throw wrongValue(name, `families (nearest is "${nearest(unknown, known)}")`, unknown);
}

/** Never quoted: it may carry a password. */
async function readProxyOption(text: string | undefined, io: Io): Promise<string | null | undefined> {
  return given(text === "-" ? await io.stdin() : text, (address) => {
    try {
      return readProxy(address);
    } catch (error) {
      throw error instanceof AppError ? usageError(`--proxy: ${error.message}.`) : error;
    }
  });
}

type CapChange = Record<string, number | null>;

/** Fields of `TokenRow.caps` as `gateway/quota.ts` reads them; null: no cap. */
function readCaps(values: Values): CapChange | undefined {
  const count = (name: "rpm" | "rpd" | "ipm") => given(values[name], readWhole(name, 1, MAX_CAP));
  const caps = {
    requestsPerMinute: count("rpm"),
    requestsPerDay: count("rpd"),
    imagesPerMinute: count("ipm"),
    usdPerDay: given(values["usd-day"], readDecimal("usd-day", 6)),
  };
  const changed = Object.entries(caps).filter((entry): entry is [string, number | null] => entry[1] !== undefined);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

/** The token's caps with the change in them: caps by model and group stay. */
function withCaps(current: TokenRow["caps"], change: CapChange): unknown {
  const next = Object.entries({ ...(current as object | null), ...change }).filter(([, value]) => value !== null);
  return next.length > 0 ? Object.fromEntries(next) : null;
}

// flow2api token add: asks the upstream whether it takes a secret, puts it into the pool, prints its id.

import { findSetting, parseSetting, type SettingKey, showValue } from "../../config/settings-keys.ts";
import type { TokenRow } from "../../domain/token.ts";
import { readLocation, withAccount } from "../../gateway/tokens/cloud-account.ts";
import { knownForm, PROVIDERS } from "../../gateway/tokens/detect-secret.ts";
import { freeLabel } from "../../gateway/tokens/import-tokens.ts";
import { editable } from "../../gateway/tokens/manage-tokens.ts";
import { openFolder } from "../folder.ts";
import { readSecret } from "../secret.ts";
import { printableCell } from "../table.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "../verb.ts";
import { type Checked, checkSecret, type Unchecked } from "./check-secret.ts";

export const tokenAdd = defineVerb({
  name: "token add",
  summary: "Check a token with its upstream and put it into the pool; prints its id. Exits 1 when the upstream refuses it.",
  options: {
    provider: {
      type: "string",
      value: "gemini|flow|vertex",
      help: "gemini: an API key; flow: a session; vertex: the JSON key of a service account, or an express key",
      required: true,
    },
    secret: { type: "string", value: "S|-", help: "the token itself; - reads it from standard input", required: true },
    label: { type: "string", value: "L", help: "name for people (default: provider and a number)" },
    group: {
      type: "string",
      value: "G",
      help: "tokens of one group share one upstream quota (a Google project; of a service account by itself)",
    },
    location: { type: "string", value: "L", help: "vertex: location that serves it, such as eu or us-central1 (default: global)" },
    "image-concurrency": { type: "string", value: "N", help: "image calls at once, -1 unlimited (default: pool.image_concurrency)" },
    "video-concurrency": { type: "string", value: "N", help: "video calls at once, -1 unlimited (default: pool.video_concurrency)" },
    "no-check": { type: "boolean", help: "add it without asking the upstream" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    if (!PROVIDERS.includes(values.provider)) throw usageError(`--provider: expected gemini, flow or vertex, got "${values.provider}".`);
    const imageConcurrency = readConcurrency("image-concurrency", "pool.image_concurrency", values["image-concurrency"]);
    const videoConcurrency = readConcurrency("video-concurrency", "pool.video_concurrency", values["video-concurrency"]);
    const location = readLocationOption(values.location);
    const secret = await readSecret("--secret", values.secret, { provider: values.provider, io });
    await using folder = await openFolder(values, io);
    const { pool } = folder.config.settings;
    const checked = values["no-check"] ? null : await checkSecret(folder, { provider: values.provider, secret, location }, io.now);
    if (checked?.outcome === "refused") {
      io.stderr(
        `${UPSTREAM[values.provider]} refuses this token: ${checked.reason}\nNothing was added. With --no-check it is added all the same.\n`,
      );
      return 1;
    }
    const accepted = checked?.outcome === "accepted" ? checked : null;
    if (checked?.outcome === "unreachable" && knownForm(secret) === null) {
      io.stderr(`${unknownForm(values.provider, checked)}\nNothing was added. With --no-check it is added all the same.\n`);
      return 1;
    }
    const token = await folder.store.insertToken(
      withAccount({
        provider: values.provider,
        secret: accepted?.secret ?? secret,
        location,
        state: accepted?.state,
        label: values.label ?? freeLabel(values.provider, await folder.store.listTokens()),
        group: values.group ?? null,
        identity: accepted?.facts.identity ?? null,
        imageConcurrency: imageConcurrency ?? pool.image_concurrency,
        videoConcurrency: videoConcurrency ?? pool.video_concurrency,
      }),
      io.now(),
    );
    if (accepted) await folder.store.updateToken(token.id, { ...accepted.facts, checkedAt: io.now() });
    await folder.record({ action: "token.add", subject: `token ${token.id}`, after: { provider: token.provider, ...editable(token) } });
    io.stdout(`${token.id}\n`);
    io.stderr(`Added token ${token.id}, ${describe(token)}. ${checkText(token.provider, checked)}\n`);
    return 0;
  },
});

/** The bounds are those of the setting that gives the default. */
function readConcurrency(option: string, key: SettingKey, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const setting = findSetting(key)!;
  const value = parseSetting(setting, text);
  if (!setting.accepts(value)) throw usageError(`--${option}: expected ${setting.expected}, got ${showValue(setting, value)}.`);
  return value as number;
}

/** Null: the provider's default. */
function readLocationOption(text: string | undefined): string | null {
  const location = text === undefined ? null : readLocation(text);
  if (location === undefined) throw usageError("--location: expected a location such as global, eu or us-central1.");
  return location;
}

const UPSTREAM: Record<string, string> = { gemini: "Google", flow: "Google Flow", vertex: "Google Cloud" };
const SECRETS: Record<string, { one: string; form: string }> = {
  gemini: { one: "a Gemini API key", form: "Gemini API key (AIza…, AQ.…)" },
  flow: { one: "a Flow session", form: "Flow session (eyJ…)" },
  vertex: { one: "a Vertex token", form: "service account (JSON) or express key" },
};

const describe = ({ provider, label, hint }: TokenRow): string =>
  `${SECRETS[provider]!.one} named "${printableCell(label)}"${hint === "" ? "" : ` that ends in ${hint}`}`;

/** Neither its form nor its upstream says that it is one. */
const unknownForm = (provider: string, { reason }: Unchecked): string =>
  `This has not the form of a ${SECRETS[provider]!.form}, and it could not be checked now (${reason}).`;

function checkText(provider: string, checked: Checked | Unchecked | null): string {
  if (!checked) return "It was not checked.";
  if (checked.outcome !== "accepted") return `It could not be checked now (${checked.reason}); the server checks it when it runs.`;
  const { identity, families } = checked.facts;
  const models = families === undefined ? "" : `; it can make ${families.length === 0 ? "nothing" : families.join(", ")}`;
  return `${UPSTREAM[provider]} takes it${identity === undefined ? "" : `, account ${printableCell(identity)}`}${models}.`;
}

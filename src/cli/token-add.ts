// flow2api token add: puts a token into the pool and prints its id.
import { editable } from "../gateway/token-admin.ts";
import { PROVIDERS } from "../gateway/token-import.ts";
import { freeLabel } from "../gateway/token-labels.ts";
import { findSetting, parseSetting, type SettingKey, showValue } from "../settings-check.ts";
import { openFolder } from "./folder.ts";
import { readSecret } from "./secret.ts";
import { defineVerb, FOLDER_OPTIONS, usageError } from "./verb.ts";

export const tokenAdd = defineVerb({
  name: "token add",
  summary: "Put a token into the pool; prints its id.",
  options: {
    provider: { type: "string", value: "gemini|flow", help: "gemini: an API key; flow: a session", required: true },
    secret: { type: "string", value: "S|-", help: "the token itself; - reads it from standard input", required: true },
    label: { type: "string", value: "L", help: "name for people (default: provider and a number)" },
    group: { type: "string", value: "G", help: "tokens of one group share one upstream quota (a Google project)" },
    "image-concurrency": { type: "string", value: "N", help: "image calls at once, -1 unlimited (default: pool.image_concurrency)" },
    "video-concurrency": { type: "string", value: "N", help: "video calls at once, -1 unlimited (default: pool.video_concurrency)" },
    ...FOLDER_OPTIONS,
  },
  async run({ values, io }) {
    if (!PROVIDERS.includes(values.provider)) throw usageError(`--provider: expected gemini or flow, got "${values.provider}".`);
    const imageConcurrency = readConcurrency("image-concurrency", "pool.image_concurrency", values["image-concurrency"]);
    const videoConcurrency = readConcurrency("video-concurrency", "pool.video_concurrency", values["video-concurrency"]);
    const secret = await readSecret("--secret", values.secret, io);
    await using folder = await openFolder(values, io);
    const { pool } = folder.config.settings;
    const token = await folder.store.insertToken(
      {
        provider: values.provider,
        secret,
        label: values.label ?? freeLabel(values.provider, await folder.store.listTokens()),
        group: values.group ?? null,
        imageConcurrency: imageConcurrency ?? pool.image_concurrency,
        videoConcurrency: videoConcurrency ?? pool.video_concurrency,
      },
      io.now(),
    );
    await folder.record({ action: "token.add", subject: `token ${token.id}`, after: { provider: token.provider, ...editable(token) } });
    io.stdout(`${token.id}\n`);
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

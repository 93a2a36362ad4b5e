// Images inside responses: 16 of 24 MiB (base64) at once in every form that holds them, and the memory of it: `bun bench/answers.ts`.
// A response that was held whole would take 24 MiB and more for each of the 16, beside what arrives from the upstream meanwhile.
import { build } from "../scripts/build.ts";
import { startFlow2api } from "./gateway.ts";
import { memoryOf, peakWhile } from "./memory.ts";
import { startMock } from "./targets.ts";

const AT_ONCE = 16;
const MIB = 1024 * 1024;
/** The mock answers for it with an image whose base64 has 24 MiB. */
const MODEL = "gemini-3-pro-image";
const ASKED = { contents: "a fox" };
const FORMS: [name: string, path: string, body: object][] = [
  ["images, b64_json", "/v1/images/generations", { model: MODEL, prompt: "a fox" }],
  ["chat, images", "/v1/chat/completions", { model: MODEL, modalities: ["image"], messages: [{ role: "user", content: "a fox" }] }],
  ["generateContent", `/v1beta/models/${MODEL}:generateContent`, ASKED],
  ["streamGenerateContent, events", `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`, ASKED],
  ["streamGenerateContent, array", `/v1beta/models/${MODEL}:streamGenerateContent`, ASKED],
  ["predict", `/v1beta/models/${MODEL}:predict`, { instances: [{ prompt: "a fox" }] }],
  ["interactions, inline", "/v1beta/interactions", { model: MODEL, input: "a fox" }],
];

await build(new URL("../dist/flow2api", import.meta.url).pathname);
const mock = await startMock("0");
try {
  const rows = [];
  for (const form of FORMS) rows.push(await measured(...form));
  console.table(rows);
} finally {
  await mock.stop();
}

/** Each form on a server of its own: memory that one has taken is not given back before the next. */
async function measured(form: string, path: string, body: object) {
  const target = await startFlow2api("0", mock.url);
  try {
    const base = target.origin;
    const { headers } = target.shape("huge");
    await (await fetch(`${base}/v1/models`, { headers })).text();
    const idle = memoryOf(target.pid);
    let bytes = 0;
    const ask = async () => {
      const response = await fetch(`${base}${path}`, { method: "POST", body: JSON.stringify(body), headers });
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      for await (const chunk of response.body ?? []) bytes += chunk.byteLength;
    };
    const peak = await peakWhile(target.pid, () => Promise.all(Array.from({ length: AT_ONCE }, ask)));
    return {
      form,
      "MiB each": (bytes / AT_ONCE / MIB).toFixed(1),
      "idle MB": idle.toFixed(0),
      "peak MB": peak.toFixed(0),
      "over idle MB": (peak - idle).toFixed(0),
    };
  } finally {
    await target.stop();
  }
}

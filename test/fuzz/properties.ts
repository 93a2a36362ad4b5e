// What holds of every parser for any input: nothing is thrown but AppError, results keep their bounds, and cuts change nothing.

import { deepStrictEqual, ok } from "node:assert";
import fc from "fast-check";
import { readCookie } from "../../src/admin/auth/session-cookie.ts";
import { formObject } from "../../src/api/body/form-object.ts";
import { parseJson } from "../../src/api/body/json-text.ts";
import { readForm } from "../../src/api/body/multipart.ts";
import { dialectOf, splitUrl } from "../../src/api/dialect.ts";
import { openRelated } from "../../src/api/gemini/files/multipart-related.ts";
import { camelKeys } from "../../src/api/gemini/proto-json.ts";
import { uriReference } from "../../src/api/gemini/references.ts";
import { markdownImages } from "../../src/api/openai/chat/markdown-images.ts";
import { frame } from "../../src/api/sse.ts";
import { AppError } from "../../src/errors.ts";
import { decodeDataUrl } from "../../src/gateway/media/data-url.ts";
import { parseRange } from "../../src/gateway/media/media-response.ts";
import { nearestModels, parseModel } from "../../src/gateway/models/testing.ts";
import { parseTokens } from "../../src/gateway/tokens/parse-tokens.ts";
import { isRefused } from "../../src/gateway/tokens/parsed-token.ts";
import { redactText } from "../../src/log.ts";
import { createBase64Decoder, decodeBase64 } from "../../src/providers/base64.ts";
import { JsonScanner } from "../../src/providers/json-scan.ts";
import { readEvents, readJson } from "../../src/providers/json-stream.ts";
import { memoryTempFiles } from "../../src/providers/testing.ts";
import { bodyProperties } from "./bodies.ts";
import { cut, cuts, piecesOf, texts, utf8 } from "./inputs.ts";
import { readSettings } from "./settings.ts";

export type Property = { name: string; property: fc.IRawProperty<unknown> };

/** Whatever is thrown is an AppError; its kind stands for it. */
export function outcome<T>(work: () => T): T | { refused: string } {
  try {
    return work();
  } catch (error) {
    if (error instanceof AppError) return { refused: error.kind };
    throw error;
  }
}

export async function laterOutcome<T>(work: () => Promise<T>): Promise<T | { refused: string }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) return { refused: error.kind };
    throw error;
  }
}

/** The result of one whole piece and of the same bytes in many. */
async function sameInPieces<T>(bytes: Uint8Array, at: readonly number[], read: (chunks: Uint8Array[]) => Promise<T>): Promise<void> {
  deepStrictEqual(await laterOutcome(() => read(cut(bytes, at))), await laterOutcome(() => read([bytes])));
}

const of = <T>(input: fc.Arbitrary<T>, check: (value: T) => void | Promise<void>) =>
  fc.asyncProperty(input, async (value) => check(value)) as fc.IRawProperty<unknown>;
const ofBytes = (check: (bytes: Uint8Array, at: number[]) => Promise<void>, input = texts) =>
  fc.asyncProperty(input, cuts, (text, at) => check(utf8(text), at)) as fc.IRawProperty<unknown>;

const formParts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "--x\r\n",
        "\r\n--x",
        "--x--\r\n",
        "content-disposition: form-data; ",
        'name="a"',
        'filename="b.png"',
        "content-type: image/png",
        "\r\n\r\n",
      ),
      texts,
    ),
    { maxLength: 14 },
  )
  .map((parts) => `--x\r\n${parts.join("")}`);

async function readFormOf(chunks: Uint8Array[]) {
  const tempFiles = memoryTempFiles();
  const request = new Request("http://x", { method: "POST", headers: { "content-type": "multipart/form-data; boundary=x" } });
  const discard = async () => {};
  const { fields, files } = await readForm(request, {
    openTempFile: tempFiles.openTempFile,
    discard,
    pieces: piecesOf(chunks),
    fileLimitMb: 1,
  });
  outcome(() => formObject({ fields, files }, { numbers: ["n"], flags: ["stream"] }));
  return {
    fields,
    files: files.map(({ field, name, draft }) => [field, name, tempFiles.files[Number(draft.path)]?.bytes.toString("hex")]),
  };
}

function scan(chunks: Uint8Array[]) {
  const scanner = new JsonScanner(["data", "b64"], 8);
  const spans: string[] = [];
  for (const chunk of chunks) {
    for (const span of scanner.feed(chunk)) {
      const text = "bytes" in span ? Buffer.from(span.bytes).toString("latin1") : "";
      if (spans.at(-1)?.startsWith(span.type) && text !== "") spans.push(spans.pop()! + text);
      else if (text !== "" || !("bytes" in span)) spans.push(span.type + text);
    }
  }
  // What is still held may be reported in one go or in two.
  return { inside: scanner.isInside(), spans };
}

const json = texts.map((text) => `{"data": "${text}", "x": [${text}], "b64":"${text}"}`);
const secrets = fc.constantFrom(
  `AIza${"x".repeat(30)}`,
  `ya29.${"y".repeat(30)}`,
  `eyJ${"z".repeat(20)}.${"w".repeat(20)}`,
  `sk-f2a-${"v".repeat(30)}`,
);

const decode64 = async (chunks: Uint8Array[]) => {
  const decoder = createBase64Decoder();
  const out = chunks.map((chunk) => Buffer.from(decoder.push(chunk)));
  return Buffer.concat([...out, Buffer.from(decoder.end())]).toString("hex");
};
const base64s = fc
  .array(fc.oneof(fc.base64String(), fc.constantFrom("=", "==", "-", "_", "\\/", "\\n", "\\u003d", " ", "\\")), { maxLength: 12 })
  .map((all) => all.join(""));

export const PROPERTIES: readonly Property[] = [
  {
    name: "model ids",
    property: of(texts, (text) => {
      const choice = parseModel(text);
      ok(choice === null || choice.families.length > 0);
      ok(nearestModels(text.slice(0, 40), 3).length <= 3);
    }),
  },
  {
    name: "data URLs",
    property: of(fc.tuple(fc.constantFrom("", "data:", "data:image/png;base64,", " DATA:;base64,"), texts), ([head, text]) => {
      outcome(() => decodeDataUrl(head + text, { maxBytes: 1_000_000, maxMegapixels: 10, kinds: ["image", "video"] }, "image"));
    }),
  },
  { name: "multipart forms, however they are cut", property: ofBytes((bytes, at) => sameInPieces(bytes, at, readFormOf), formParts) },
  {
    name: "multipart/related, however it is cut",
    property: ofBytes(
      (bytes, at) =>
        sameInPieces(bytes, at, async (chunks) => {
          const { description, content } = await openRelated(piecesOf(chunks), "x");
          const parts: Uint8Array[] = [];
          for await (const part of content) parts.push(part);
          return { description, content: Buffer.concat(parts).toString("hex") };
        }),
      formParts,
    ),
  },
  {
    name: "proto JSON",
    property: of(fc.dictionary(texts, fc.jsonValue()), (value) => {
      const once = camelKeys(value);
      deepStrictEqual(camelKeys(once), once);
    }),
  },
  { name: "base64 inside JSON, however it is cut", property: ofBytes((bytes, at) => sameInPieces(bytes, at, decode64), base64s) },
  {
    name: "whole base64",
    property: of(base64s, (text) => {
      outcome(() => decodeBase64(text));
    }),
  },
  {
    name: "media in JSON, however it is cut",
    property: ofBytes(async (bytes, at) => {
      const whole = (chunks: Uint8Array[]) => scan(chunks).spans.join("|");
      deepStrictEqual(whole(cut(bytes, at)).replaceAll("|", ""), whole([bytes]).replaceAll("|", ""));
    }, json),
  },
  {
    name: "JSON of upstreams, however it is cut",
    property: ofBytes((bytes, at) => sameInPieces(bytes, at, (chunks) => readJson(chunks, 10_000)), json),
  },
  {
    name: "events of upstreams, however they are cut",
    property: ofBytes(
      (bytes, at) =>
        sameInPieces(bytes, at, async (chunks) => {
          const events: unknown[] = [];
          for await (const event of readEvents(piecesOf(chunks), 10_000)) events.push(event);
          return events;
        }),
      fc
        .array(
          fc.oneof(
            texts,
            fc.json().map((text) => `data: ${text}\n\n`),
            fc.constantFrom("data:", "\n\n", ": ping\n", "[DONE]"),
          ),
          { maxLength: 8 },
        )
        .map((all) => all.join("")),
    ),
  },
  {
    name: "pasted tokens",
    property: of(fc.array(texts, { maxLength: 6 }), (lines) => {
      for (const parsed of parseTokens(lines.join("\n"))) {
        ok(parsed.line >= 1);
        ok(isRefused(parsed) || (parsed.secret.length > 0 && parsed.secret.length <= 16_384));
      }
    }),
  },
  {
    name: "setting.toml",
    property: of(
      fc.array(fc.oneof(texts, fc.constantFrom("[server]\n", "port = 1\n", "host = 'a'\n", "[[x]]", "a.b = {c = 1}\n")), { maxLength: 6 }),
      (parts) => {
        outcome(() => readSettings(parts.join("")));
      },
    ),
  },
  {
    name: "frames of events, read as clients do",
    property: of(fc.tuple(fc.jsonValue(), fc.option(fc.constantFrom("done", "error"), { nil: undefined })), ([value, event]) => {
      const object = { value };
      const text = frame(object, event);
      ok(text.endsWith("\n\n") && !text.slice(0, -2).includes("\n\n"));
      const data = text.split("\n").filter((line) => line.startsWith("data: "));
      deepStrictEqual(JSON.parse(data.map((line) => line.slice(6)).join("\n")), JSON.parse(JSON.stringify(object)));
    }),
  },
  {
    name: "ranges",
    property: of(
      fc.tuple(
        fc.oneof(
          texts,
          fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
          fc.nat().map((n) => `bytes=-${n}`),
        ),
        fc.nat(1000),
      ),
      ([header, size]) => {
        const range = parseRange(header, size);
        if (range === null || range === "unsatisfiable") return;
        ok(range.start >= 0 && range.start < range.end && range.end <= size);
      },
    ),
  },
  {
    name: "cookies",
    property: of(texts, (text) => {
      const value = text.replace(/[^\x20-\x7e]/g, "");
      const found = readCookie(new Headers({ cookie: `${value}; flow2api=abc` }), "flow2api");
      ok(found !== null);
    }),
  },
  {
    name: "redaction",
    property: of(fc.tuple(texts, secrets, texts), ([before, secret, after]) => {
      const out = redactText(before + secret + after);
      ok(!out.includes(secret));
      ok(!redactText(out).includes(secret));
    }),
  },
  {
    name: "JSON of bodies",
    property: of(fc.oneof(texts, fc.json()), (text) => {
      const plain = (() => {
        try {
          return { value: JSON.parse(text) as unknown };
        } catch {
          return { refused: "invalid_request" };
        }
      })();
      deepStrictEqual(
        outcome(() => ({ value: parseJson(text) })),
        plain,
      );
    }),
  },
  {
    name: "Markdown images",
    property: of(fc.array(fc.oneof(texts, fc.constantFrom("![", "](", ")", "![a](u)")), { maxLength: 10 }), (parts) => {
      const text = parts.join("");
      let from = 0;
      for (const { start, end, url, alt } of markdownImages(text)) {
        ok(start >= from && end > start && end <= text.length && url !== "");
        ok(text.slice(start, end).startsWith(`![${alt}](`) && text[end - 1] === ")");
        from = end;
      }
    }),
  },
  {
    name: "addresses and paths",
    property: of(texts, (text) => {
      const { path, query } = splitUrl(`http://h/${text}`);
      ok(path.startsWith("/"));
      ok(["openai", "gemini"].includes(dialectOf({ path, query, header: () => text })));
      outcome(() => uriReference(text, "uri"));
    }),
  },
  ...bodyProperties(of, outcome),
];

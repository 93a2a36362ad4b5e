// Words for failures in both languages: complete over all kinds, reasons, codes for clients and the known words of vendors.
import { describe, expect, test } from "bun:test";
import { Glob } from "bun";
import { HEALTH_REASONS } from "../src/gateway/pool/health/reasons.ts";
import { FLOW_REASONS, VERIFICATION_REASONS } from "../src/providers/flow/errors.ts";
import { BLOCK_REASONS, FINISH_REASONS } from "../src/providers/gemini/vocabulary.ts";
import { VERTEX_REASONS } from "../src/providers/vertex/errors.ts";
import { en } from "../views/locales/en.ts";
import { zh } from "../views/locales/zh.ts";
import {
  failureSentence,
  failureWord,
  outcomeWord,
  reasonWord,
  recordedMessage,
  vendorWord,
  vendorWordsIn,
} from "../views/requests/failure-words.ts";

const VENDOR = [...FINISH_REASONS, ...BLOCK_REASONS, ...Object.keys(FLOW_REASONS), ...VERIFICATION_REASONS, ...Object.keys(VERTEX_REASONS)];

/** Machine words of errors that a client of the API can get, as the sources have them. */
async function codesOfSources(): Promise<string[]> {
  const found = new Set<string>();
  for (const files of ["api/**/*", "gateway/{generation,jobs,limits,media,models,side-calls}/**/*", "gateway/keys/{keys,permissions}"])
    for await (const path of new Glob(`src/${files}.ts`).scan()) {
      if (path.includes(".test.") || path.includes("testing")) continue;
      const source = await Bun.file(path).text();
      for (const { 1: code } of source.matchAll(/new AppError\([^;]*?reason: "([a-z_]+)"/g)) found.add(code!);
      for (const { 1: code } of source.matchAll(/serverFailure\("[^"]*", "([a-z_]+)"/g)) found.add(code!);
    }
  return [...found];
}

/** A machine word that is shown as it came. */
const isRaw = (text: string) => /^[A-Za-z]+(_[A-Za-z]+)+$/.test(text) || /^[A-Z]{4,}$/.test(text);

describe.each([
  ["English", en],
  ["简体中文", zh],
])("in %s", (_name, t) => {
  const view = { t };

  test("every outcome has a word and a sentence", () => {
    const outcomes = [...Object.keys(en.tokens.outcomes), "internal"].filter((outcome) => outcome !== "ok");
    expect(outcomes.length).toBeGreaterThan(20);
    for (const outcome of outcomes) {
      expect(isRaw(outcomeWord(view, outcome)), outcome).toBe(false);
      expect(failureSentence(view, { outcome })!.length, outcome).toBeGreaterThan(8);
    }
  });

  test("every reason of a token's failure has a word, and a sentence beside its outcome", () => {
    for (const reason of Object.keys(HEALTH_REASONS)) {
      expect(isRaw(reasonWord(view, reason)), reason).toBe(false);
      expect(isRaw(failureWord(view, { outcome: "no_token", reason })), reason).toBe(false);
      expect(failureSentence(view, { outcome: "no_token", reason }), reason).toContain(t.failures.outcomes.no_token);
    }
  });

  test("every known word of a vendor has words", () => {
    expect(VENDOR.length).toBeGreaterThan(40);
    for (const word of VENDOR) expect(vendorWord(view, word), word).not.toBe(word);
    expect(recordedMessage(view, "PROHIBITED_CONTENT")).toEqual({
      text: t.failures.vendor.PROHIBITED_CONTENT!,
      word: "PROHIBITED_CONTENT",
    });
  });

  test("every code that a client can get has words", async () => {
    const codes = await codesOfSources();
    expect(codes).toContain("model_not_found");
    expect(codes.length).toBeGreaterThan(20);
    for (const code of codes) expect(isRaw(reasonWord(view, code)), code).toBe(false);
  });

  test("words of a vendor within a sentence are explained", () => {
    expect(vendorWordsIn(view, "Refused: IMAGE_SAFETY, twice IMAGE_SAFETY, HTTP 400, A_NEW_WORD.")).toEqual([
      ["IMAGE_SAFETY", t.failures.vendor.IMAGE_SAFETY!],
    ]);
  });

  test("what nobody knows stands as it came", () => {
    expect(vendorWord(view, "A_NEW_WORD")).toBe("A_NEW_WORD");
    expect(outcomeWord(view, "constructor")).toBe("constructor");
    expect(reasonWord(view, "toString")).toBe("toString");
    expect(failureSentence(view, { outcome: "unheard_of" })).toBeNull();
    expect(recordedMessage(view, "The upstream said no.")).toEqual({ text: "The upstream said no.", word: null });
  });
});

test("both languages have words for the same codes, and none of Chinese is English", () => {
  for (const table of ["codes", "vendor"] as const) {
    expect(Object.keys(zh.failures[table])).toEqual(Object.keys(en.failures[table]));
    for (const [code, word] of Object.entries(zh.failures[table])) expect(word, code).toMatch(/\p{Script=Han}/u);
  }
});

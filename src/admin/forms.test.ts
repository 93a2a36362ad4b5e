// Form parsing: field types, and all mistakes reported at once.
import { describe, expect, test } from "bun:test";
import { en } from "../../views/locales/en.ts";
import { createFormReader, type FormError } from "./forms.ts";

const reader = (text: string) => createFormReader(new URLSearchParams(text), en);
const mistakes = (form: ReturnType<typeof reader>) => {
  try {
    form.check();
    return {};
  } catch (error) {
    return (error as FormError).wrong;
  }
};

describe("values", () => {
  test("texts are trimmed, unless they are secrets", () => {
    const form = reader("name=+a+b+&password=+x+");
    expect([form.text("name"), form.text("password", { verbatim: true }), form.text("none")]).toEqual(["a b", " x ", ""]);
  });

  test("an empty number is null, and zero is zero", () => {
    const form = reader("a=&b=0&c=-1&d=1.5");
    expect([form.whole("a"), form.whole("b"), form.whole("c", { min: -1 }), form.decimal("d"), form.whole("none")]).toEqual([
      null,
      0,
      -1,
      1.5,
      null,
    ]);
    expect(mistakes(form)).toEqual({});
  });

  test("flags, choices, lists and words", () => {
    const form = reader("on=on&kind=b&id=1&id=2&tags=x,+y%0Az%0A");
    expect([form.flag("on"), form.flag("off"), form.choice("kind", ["a", "b"])]).toEqual([true, false, "b"]);
    expect([form.list("id"), form.words("tags")]).toEqual([
      ["1", "2"],
      ["x", "y", "z"],
    ]);
  });
});

type Mistake = [name: string, read: (form: ReturnType<typeof reader>) => unknown, told: string];
const MISTAKES: Mistake[] = [
  ["missing", (form) => form.text("none", { required: true }), "Fill this in"],
  ["too long", (form) => form.text("long", { max: 3 }), "at most 3 characters"],
  ["of the wrong form", (form) => form.text("long", { pattern: /^\d+$/ }), "expected form"],
  ["no number", (form) => form.whole("long"), "number"],
  ["not whole", (form) => form.whole("half"), "number"],
  ["endless", (form) => form.decimal("endless"), "number"],
  ["too small", (form) => form.whole("one", { min: 2, max: 5 }), "from 2 to 5"],
  ["no choice", (form) => form.choice("long", ["a"]), "Choose one"],
];

test.each(MISTAKES)("a field that is %s is reported", (_name, read, reported) => {
  const form = reader("long=abcdef&half=1.5&one=1&endless=Infinity");
  read(form);
  expect(Object.values(mistakes(form)).join()).toContain(reported);
});

test("all mistakes are reported at once, the first of each field, and none quotes what was sent", () => {
  const form = reader("secret=hunter2&count=x");
  form.text("secret", { max: 3 });
  form.refuse("secret", "second");
  form.whole("count");
  form.text("name", { required: true });
  const found = mistakes(form);
  expect(Object.keys(found)).toEqual(["secret", "count", "name"]);
  expect(JSON.stringify(found)).not.toMatch(/hunter2|second/);
});

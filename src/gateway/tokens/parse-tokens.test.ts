// Token parsing: every text format, and the reported reason of an unreadable line.

import { describe, expect, test } from "bun:test";
import { parseTokens } from "./parse-tokens.ts";
import { isRefused, type LeftBehind, type ParseOptions } from "./parsed-token.ts";

const KEY = "AIzaSyCanaryCanaryCanaryCanaryCanary01";
const KEY2 = "AIzaSyCanaryCanaryCanaryCanaryCanary02";
const SESSION = `eyJhbGciOiJkaXIiLCJlbmMi..middle.${"c".repeat(60)}.${"d".repeat(40)}`;
const COOKIE = "__Secure-next-auth.session-token";

const secrets = (text: string, options?: ParseOptions) =>
  parseTokens(text, options).map((parsed) => (isRefused(parsed) ? parsed.reason : `${parsed.provider} ${parsed.secret}`));
const only = (text: string, options?: ParseOptions) => {
  const parsed = parseTokens(text, options);
  expect(parsed).toHaveLength(1);
  return parsed[0]!;
};

describe("one per line", () => {
  test("providers are told apart by form, with blank lines, comments, quotes, commas and any line break between", () => {
    const text = `\uFEFF# my keys\r\n${KEY}\r\n\n  "${SESSION}",\n// another\r'${KEY2}'   # spare\n`;
    expect(parseTokens(text)).toEqual([
      { line: 2, provider: "gemini", secret: KEY },
      { line: 4, provider: "flow", secret: SESSION },
      { line: 6, provider: "gemini", secret: KEY2 },
    ]);
  });

  test.each([
    ["a Gemini key", KEY, `gemini ${KEY}`],
    ["a newer Gemini key", "AQ.Ab8canarycanarycanary", "gemini AQ.Ab8canarycanarycanary"],
    ["a line of an environment file", `export GEMINI_API_KEY="${KEY}"`, `gemini ${KEY}`],
    ["a cookie with its name", `${COOKIE}=${SESSION}`, `flow ${SESSION}`],
    ["a cookie header", `Cookie: a=b; ${COOKIE}=${SESSION}; SID=g.a000canary`, `flow ${SESSION}`],
    ["a cookie in parts, in any order", `${COOKIE}.1=two; x=y; ${COOKIE}.0=one`, "flow onetwo"],
  ])("%s", (_name, text, expected) => {
    expect(secrets(text)).toEqual([expected]);
  });

  test.each([
    ["an access token", "ya29.canary-canary", /access token/],
    ["a key of ours", "sk-f2a-canary", /this program issued/],
    ["a key of another vendor", "sk-proj-canary", /another vendor/],
    ["an e-mail address", "canary@example.com", /e-mail address alone/],
    ["a word", "canary", /neither a Gemini key .* nor a Flow session/],
    ["two words", "canary canary", /white space/],
    ["half a key", "AIzaCanary", /neither/],
    ["a cookie in parts with one missing", `${COOKIE}.0=canary; ${COOKIE}.2=canary`, /lacks a part/],
    ["a long word of no known form", "canary".repeat(20), /neither/],
    ["too much", "canary".repeat(4000), /longer than/],
    ["broken JSON", '{"secret": "canary"', /damaged/],
  ])("%s is refused with the reason and without being quoted", (_name, text, reason) => {
    const parsed = only(text);
    expect(parsed).toEqual({ line: 1, reason: expect.stringMatching(reason) });
    expect(JSON.stringify(parsed)).not.toContain("anary");
  });

  test("a provider that is given for all opens no form, and contradicts none", () => {
    expect(secrets("some-session-1", { provider: "flow" })).toEqual(["is no Flow session"]);
    expect(secrets("project.key-1", { provider: "gemini" })).toEqual(["is no Gemini key"]);
    expect(secrets("provider,key\nflow,some-session-1", { provider: "flow" })).toEqual(["flow some-session-1"]);
    expect(secrets(KEY, { provider: "flow" })).toEqual(["is a Gemini key, not a Flow session"]);
    expect(secrets(SESSION, { provider: "gemini" })).toEqual(["is a Flow session, not a Gemini key"]);
  });
});

describe("CSV", () => {
  test("with a header, names in any case, quotes and empty fields", () => {
    const text = `Label;API_Key;Group;Image Concurrency;Enabled;Note\n"one; first";${KEY};alpha;-1;no;"say ""hi"""\n;${KEY2};;;;\n`;
    expect(parseTokens(text)).toEqual([
      {
        line: 2,
        provider: "gemini",
        secret: KEY,
        label: "one; first",
        group: "alpha",
        imageConcurrency: -1,
        enabled: false,
        note: 'say "hi"',
      },
      { line: 3, provider: "gemini", secret: KEY2 },
    ]);
  });

  test.each([
    ["a field that is no number", `key,weight\n${KEY},canary`, "weight: expected a number from 0 to 1000000"],
    ["a limit out of bounds", `key,image_concurrency\n${KEY},-2`, "image_concurrency: expected a whole number from -1 to 1000"],
    ["an unknown provider", `key,provider\n${KEY},canary`, "provider: expected gemini, flow or vertex"],
    [
      "a SOCKS4 proxy",
      `key,proxy\n${KEY},socks4://canary:canary@h:1`,
      "proxy: is SOCKS4, which is not supported: give a socks5:// or http(s) proxy",
    ],
    ["a row that is too long", `key,label\n${KEY},canary,canary`, "has 3 fields where the header names 2"],
    ["no secret", "key,label\n,canary", "holds no secret (a field such as secret, key or session_token)"],
  ])("%s is refused by name", (_name, text, reason) => {
    expect(only(text)).toEqual({ line: 2, reason });
  });

  test("without a header the secret, the account and the label are found by what they look like", () => {
    expect(parseTokens(`mine,${KEY}\nme@example.com\t${SESSION}\nflow,some-session-1`)).toEqual([
      { line: 1, provider: "gemini", secret: KEY, label: "mine" },
      { line: 2, provider: "flow", secret: SESSION, identity: "me@example.com" },
      { line: 3, provider: "flow", secret: "some-session-1" },
    ]);
  });

  test("without a header what may be a password is not taken for a label", () => {
    expect(only(`me@example.com,hunter2,${SESSION}`)).toEqual({ line: 1, provider: "flow", secret: SESSION, identity: "me@example.com" });
  });

  test("two secrets on a line beside another word are refused: whose word it is cannot be known", () => {
    expect(secrets(`${KEY},${KEY2},canary`)).toEqual(["holds more than one secret beside other words"]);
  });
});

describe("JSON", () => {
  const original = {
    email: "me@example.com",
    access_token: "ya29.canary",
    session_token: SESSION,
    is_active: false,
    captcha_proxy_url: "http://canary.example",
    proxy_url: "http://proxy.example:3128",
    image_enabled: true,
    video_enabled: false,
    image_concurrency: 3,
    video_concurrency: -1,
    google_cookies: "SID=canary",
    login_account: "canary",
    login_password: "canary",
  };
  const taken = {
    provider: "flow",
    secret: SESSION,
    identity: "me@example.com",
    enabled: false,
    proxy: "http://proxy.example:3128",
    imageEnabled: true,
    videoEnabled: false,
    imageConcurrency: 3,
    videoConcurrency: -1,
    note: "was disabled in the original",
    left: ["google_cookies", "login", "captcha_proxy"] as LeftBehind[],
  };

  test("python-flow2api's export: sessions, switches and limits; no access token, login, password or sign-in cookie", () => {
    const text = JSON.stringify([original, { session_token: "" }], null, 2);
    expect(parseTokens(text)).toEqual([
      { line: 2, ...taken },
      { line: 17, reason: "entry 2: holds no secret (a field such as secret, key or session_token)" },
    ]);
    expect(JSON.stringify(parseTokens(text))).not.toContain("canary");
  });

  test.each([
    ["the body of the original's import", JSON.stringify({ tokens: [original] })],
    ["one object", JSON.stringify(original)],
  ])("%s", (_name, text) => {
    expect(only(text)).toEqual({ line: 1, ...taken });
  });

  test("an object per line, a list of texts, and a text that holds brackets", () => {
    expect(secrets(`{"key":"${KEY}"}\n{"st":"${SESSION}"}`)).toEqual([`gemini ${KEY}`, `flow ${SESSION}`]);
    expect(parseTokens(`\n["${KEY}",\n {"label": "a]}\\"[", "key": "${KEY2}"},\n\n 7]`)).toEqual([
      { line: 2, provider: "gemini", secret: KEY },
      { line: 3, provider: "gemini", secret: KEY2, label: 'a]}"[' },
      { line: 5, reason: "entry 3: is neither text nor an object" },
    ]);
  });

  test("an empty list holds nothing", () => {
    expect(parseTokens("[]")).toEqual([]);
  });
});

describe("cookies", () => {
  const cookie = (name: string, value: string, domain = "labs.google") => ({ name, value, domain, path: "/", secure: true });

  test("a browser's export is one session; other sites' sessions under the same name are not", () => {
    const text = JSON.stringify([cookie(COOKIE, "canary", ".other.example"), cookie("SID", "g.a000canary"), cookie(COOKIE, SESSION)]);
    expect(only(text)).toEqual({ line: 1, provider: "flow", secret: SESSION });
    expect(only(JSON.stringify([cookie("SID", "canary")]))).toEqual({ line: 1, reason: "holds no session cookie of labs.google" });
  });

  test("a browser's state, and exports of several browsers", () => {
    expect(secrets(JSON.stringify({ cookies: [cookie(COOKIE, SESSION)], origins: [] }))).toEqual([`flow ${SESSION}`]);
    expect(secrets(JSON.stringify([[cookie(COOKIE, "one")], [cookie(`${COOKIE}.0`, "t"), cookie(`${COOKIE}.1`, "wo")]]))).toEqual([
      "flow one",
      "flow two",
    ]);
  });

  test("cookies.txt, with the lines that look like comments", () => {
    const text = `# Netscape HTTP Cookie File\n\n.google.com\tTRUE\t/\tTRUE\t0\tSID\tcanary\n#HttpOnly_labs.google\tFALSE\t/\tTRUE\t1800000000\t${COOKIE}\t${SESSION}\n`;
    expect(only(text)).toEqual({ line: 3, provider: "flow", secret: SESSION });
  });
});

describe("lists of other pools", () => {
  const both = [`gemini ${KEY}`, `gemini ${KEY2}`];
  const LISTS: [string, string][] = [
    ["commas", `${KEY},${KEY2}`],
    ["commas and blanks", `${KEY}, ${KEY2},`],
    ["semicolons", `${KEY};${KEY2};`],
    ["blanks", `${KEY}  ${KEY2}`],
    ["bars", `${KEY} | ${KEY2}`],
    ["a tab", `${KEY}\t${KEY2}`],
    ["a list in a variable", `GEMINI_API_KEYS=${KEY},${KEY2}`],
    ["a list in quotes in an exported variable", `export GEMINI_API_KEYS="${KEY} ${KEY2}"`],
    ["lower-case names, one each", `gemini_api_key=${KEY}\nexport google_key = '${KEY2}'`],
    ["variables of PowerShell and cmd", `$env:GEMINI_KEY="${KEY}"\nset GEMINI_KEY_2=${KEY2}`],
    ["JSON in a variable", `KEYS=["${KEY}","${KEY2}"]`],
    ["JSON in single quotes in a variable", `KEYS='["${KEY}", "${KEY2}"]'`],
    ["JSON in double quotes", JSON.stringify(JSON.stringify([KEY, KEY2]))],
    ["a list as Python prints it", `['${KEY}', '${KEY2}']`],
    ["a list over lines with a comma too many", `[\n  "${KEY}",\n  "${KEY2}",\n]`],
    ["a YAML list", `- ${KEY}\n- "${KEY2}"\n`],
    ["a named YAML list", `keys:\n  - ${KEY}\n  - '${KEY2}' # spare\n`],
    ["YAML of a program's settings", `server:\n  port: 80\ngemini:\n  api_keys:\n    - ${KEY}\n    - ${KEY2}\n`],
    ["a YAML list within a line", `api_keys: [${KEY}, ${KEY2}]`],
    ["TOML", `[gemini]\nkey = "${KEY}"\nkey2 = "${KEY2}"`],
    ["numbers", `1. ${KEY}\n2) ${KEY2}`],
    ["lists by provider", JSON.stringify({ gemini: [KEY, KEY2], flow: [] })],
    ["several in a field of JSON", JSON.stringify([{ name: "pool", type: 24, key: `${KEY}\n${KEY2}` }])],
    ["several in a cell", `name,keys,enabled\npool,"${KEY};${KEY2}",true`],
    ["a text of keys in an object", JSON.stringify({ group_id: 1, keys_text: `${KEY}\n${KEY2}` })],
    ["two fields of one object", `environment:\n  GEMINI_API_KEY: ${KEY}\n  GOOGLE_API_KEY: "${KEY2}"`],
    ["settings of a chat program", JSON.stringify({ llm: { providers: [{ id: "gemini", type: "gemini", apiKey: `${KEY},${KEY2}` }] } })],
    ["settings with comments", `{\n  // mine\n  "keys": [\n    "${KEY}",\n    "${KEY2}", // spare\n  ]\n}`],
    ["names without quotes", `{keys: ['${KEY}', '${KEY2}']}`],
    ["objects with commas between", `{"key":"${KEY}"},\n{"key":"${KEY2}"},`],
    ["a text over lines", `KEYS="${KEY},\n${KEY2}"`],
    ["a program's list", `const keys = ["${KEY}", "${KEY2}"];`],
    ["a program's map", `'gemini' => ['${KEY}', '${KEY2}'],`],
    ["rows of SQL", `INSERT INTO keys VALUES (1,'${KEY}'),(2,'${KEY2}');`],
    ["XML", `<keys><key>${KEY}</key><key>${KEY2}</key></keys>`],
    ["Chinese signs", `${KEY}，${KEY2}；`],
    ["Chinese names", `密钥1：${KEY}\n密钥2：${KEY2}`],
    ["blanks that are not seen", `${KEY}\u00a0\n${KEY2}\u200b`],
    ["other ends of lines", `${KEY}\u2028${KEY2}`],
    ["a plus", `${KEY}+${KEY2}`],
    ["variables before a command", `GEMINI_API_KEY=${KEY} K2=${KEY2} node x.js`],
    ["a command and an address", `curl -H "x-goog-api-key: ${KEY}" https://a.example/models\nhttps://a.example/models?key=${KEY2}`],
    ["other names of lists", JSON.stringify({ data: { geminiApiKeys: [KEY, KEY2] } })],
  ];

  test.each(LISTS)("%s", (_name, text) => {
    expect(secrets(text)).toEqual(both);
    expect(secrets(text, { provider: "gemini" })).toEqual(both);
  });

  test.each([
    ["traded as text", `me@example.com----hunter22----${SESSION}`],
    ["parted by colons", `me@example.com:hunter22:${SESSION}`],
    ["a row of a browser's tools", `${COOKIE}\t${SESSION}\tlabs.google\t/\t2026-12-30T00:00:00.000Z\t1200`],
    ["a cookie as JSON has it", `"${COOKIE}": "${SESSION}"`],
    ["a command of a browser's tools", `curl 'https://labs.google/fx/api/auth/session' -b 'a=b; ${COOKIE}=${SESSION}; c=d'`],
    ["a form", `st=${SESSION}&email=me%40example.com`],
  ])("a session, %s", (_name, text) => {
    expect(secrets(text)).toEqual([`flow ${SESSION}`]);
  });

  test("ten thousand keys on one line are one pass", () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `AIzaSy${`${index}`.padStart(33, "x")}`);
    for (const text of [keys.join(","), `x = [${keys.map((key) => `"${key}"`).join()}];`, JSON.stringify([{ key: keys.join("\n") }])]) {
      expect(secrets(text)).toHaveLength(10_000);
    }
  });

  test("keys of one field share what stands beside them, but no label", () => {
    expect(parseTokens(JSON.stringify({ provider: "Google AI", label: "pool", group: "g", key: `${KEY} ${KEY2}` }))).toEqual([
      { line: 1, provider: "gemini", secret: KEY, label: "pool", group: "g" },
      { line: 1, provider: "gemini", secret: KEY2, group: "g" },
    ]);
  });

  test("of a damaged document what has the form of a secret is taken, and the damage reported", () => {
    expect(secrets(`{"keys": ["${KEY}",\n"${KEY2}"`)).toEqual(["begins a JSON document that is damaged", ...both]);
  });

  test("a name of each key becomes its label", () => {
    expect(parseTokens(JSON.stringify({ first: KEY, second: KEY2 }))).toMatchObject([{ label: "first" }, { label: "second" }]);
  });

  test.each([",", ";", "\t"])("a header in mid-paste, parted by %j, is no token and names what follows", (separator) => {
    const row = (...cells: string[]) => cells.join(separator);
    const text = [KEY, row("email", "api_key", "note"), row("me@example.com", KEY2, "mine"), "AQ.canarycanarycanarycanary"].join("\n");
    const read = [
      { line: 1, provider: "gemini", secret: KEY },
      { line: 3, provider: "gemini", secret: KEY2, identity: "me@example.com", note: "mine" },
      { line: 4, provider: "gemini", secret: "AQ.canarycanarycanarycanary" },
    ];
    expect(parseTokens(text)).toEqual(read);
    expect(parseTokens(text, { provider: "gemini" })).toEqual(read);
  });

  test("a header with a name of its own for the secret is known by its other columns", () => {
    expect(secrets(`name;secret_value;proxy\nfoo;${KEY};http://p.example:1`, { provider: "gemini" })).toEqual([`gemini ${KEY}`]);
  });

  const NO_SECRETS = [
    "------------",
    "==========",
    "status:ok",
    "https://aistudio.google.com/apikey",
    "GEMINI_API_KEYS",
    "hello-world-of-keys",
    "GEMINI_API_KEYS=",
    `${KEY.slice(0, 12)};${KEY.slice(12, 20)}`,
    "me@example.com",
    '{"gemini": "none"}',
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1234567890abcdefABCDEF\n-----END PRIVATE KEY-----",
    "password123456",
    "order-12345678",
    "550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "ghp_1234567890abcdefghijklmnopqrstuvwxyz",
    "xoxb-1234567890-abcdef",
    "your-api-key-1",
    "user1:pass1234",
    "export A=b1234567",
    "token=abc12345",
    '{"token":"changeme1"}',
    "key,label\nfoo12345,bar",
    "port: 8317\nmodel: gemini-3-pro-image",
    "gemini-nano-banana-2.1",
    "projects/my-project-12345678",
    `AIzaSy${"X".repeat(33)}`,
    `${KEY}${KEY2}`,
    `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url")}.eyJzdWIiOiIxIn0.c2lnbmF0dXJl`,
    "gemini-api-key:\n  - your-api-key-1\n",
  ];

  test.each(["gemini", "flow"])("what is no secret is never taken, not even where the provider is said to be %s", (provider) => {
    for (const text of NO_SECRETS) expect(parseTokens(text, { provider }).filter((one) => !isRefused(one))).toEqual([]);
    expect(parseTokens(NO_SECRETS.join("\n"), { provider }).filter((one) => !isRefused(one))).toEqual([]);
  });

  test("a service account without its parts is refused with what it lacks", () => {
    expect(only(JSON.stringify({ type: "service_account", private_key: "canary" }))).toMatchObject({
      reason: expect.stringContaining("project_id"),
    });
  });
});

test("no text makes it throw", () => {
  const alphabet = ["[", "]", "{", "}", '"', "\\", ",", ";", "\t", "\n", "a", "=", ":", KEY, COOKIE, "#", "1"];
  let state = 7;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: next() % 24 }, () => alphabet[next() % alphabet.length]).join("");
    for (const parsed of parseTokens(text)) expect(parsed.line).toBeGreaterThan(0);
  }
});

// flow2api upgrade --check: is there a newer version in a file of versions that the operator names. Installs nothing, asks nobody else.
import { AppError } from "../errors.ts";
import { readBody, send } from "../http.ts";
import { VERSION } from "../version.ts";
import { readTextFile } from "./text-file.ts";
import { defineVerb, FOLDER_OPTIONS, type Io, usageError } from "./verb.ts";
import { newerThan, readVersions } from "./version-list.ts";

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
/** A link to the latest release leads to its file by two of them. */
const MAX_REDIRECTS = 5;

const NOTES = `
The file is versions.json of a release, a list of versions as JSON, or text with a version in each line. A newer version is printed alone to
standard output, what is new about it to standard error; nothing is printed to standard output where this is the newest.
Nothing is asked unless this command is called, and then the named file or URL alone; nothing is installed.
`;

export const upgrade = defineVerb({
  name: "upgrade",
  summary: "With --check: is there a newer version in a file of versions that you name.",
  options: {
    check: { type: "boolean", help: "look and tell; there is no other way to use this command" },
    versions: { type: "string", value: "FILE", help: "the file of versions, or its http(s) URL", required: true },
    ...FOLDER_OPTIONS,
  },
  notes: () => NOTES,
  async run({ values, io }) {
    if (!values.check) throw usageError("upgrade installs nothing: write --check to see whether there is a newer version.");
    const { versions: source } = values;
    const text = /^https?:\/\//i.test(source) ? await fetchText(source, io) : await readTextFile(source, io.cwd);
    const found = readVersions(text);
    if (found.length === 0) throw new AppError("invalid_request", `${shown(source)}: expected a list of versions, got none.`);
    const newer = newerThan(VERSION, found);
    if (newer.length === 0) {
      io.stderr(`flow2api ${VERSION} is the newest version there.\n`);
      return 0;
    }
    for (const { version, date, security, notes, url } of newer) {
      const facts = [version, ...(date ? [`of ${date}`] : []), ...(security ? ["mends the security of an earlier one"] : [])].join(", ");
      io.stderr(`${[facts, notes, url].filter(Boolean).join("\n  ")}\n`);
    }
    io.stderr(`This is flow2api ${VERSION}. Newest is ${newer[0]!.version}.\n`);
    io.stdout(`${newer[0]!.version}\n`);
    return 0;
  },
});

/** Without credentials and query, which may hold a token. */
function shown(source: string): string {
  const url = URL.parse(source);
  return url?.host ? `${url.protocol}//${url.host}${url.pathname}` : source;
}

/** @throws {AppError} naming the URL */
async function fetchText(source: string, io: Io): Promise<string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  let url = source;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await send({ url, proxy: proxyOf(url, io.env), signal, headers: { accept: "application/json, text/plain" } }).catch(
      (cause) => {
        throw new AppError("network", `${shown(url)} cannot be reached.`, { cause });
      },
    );
    const next = response.status >= 300 && response.status < 400 ? response.headers.get("location") : null;
    if (next === null) {
      if (!response.ok) throw new AppError("upstream_unavailable", `${shown(url)} answered ${response.status}.`);
      return new TextDecoder().decode(await readBody(response, MAX_BYTES, signal));
    }
    await response.body?.cancel();
    const target = URL.parse(next, url);
    if (!target || !/^https?:$/.test(target.protocol) || (url.startsWith("https:") && target.protocol === "http:"))
      throw new AppError("upstream_unavailable", `${shown(url)} redirects to what is not fetched.`);
    url = target.href;
  }
  throw new AppError("upstream_unavailable", `${shown(source)} redirects too often.`);
}

/** The proxy that the environment names for programs of the command line. */
function proxyOf(url: string, env: Io["env"]): string | null {
  const host = URL.parse(url)?.hostname ?? "";
  const direct = (env.NO_PROXY ?? env.no_proxy ?? "").split(",").map((name) => name.trim().replace(/^\./, ""));
  if (direct.some((name) => name === "*" || (name !== "" && (host === name || host.endsWith(`.${name}`))))) return null;
  const proxy = url.startsWith("https:") ? (env.HTTPS_PROXY ?? env.https_proxy) : (env.HTTP_PROXY ?? env.http_proxy);
  return proxy || null;
}

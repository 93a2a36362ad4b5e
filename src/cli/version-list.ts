// A file of versions: JSON in several shapes, or a version in each line. Pure.

export type Release = { version: string; date?: string; notes?: string; url?: string; security?: boolean };

const VERSION = /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$/;

/** What has a version, in the order of the file; the rest is left out. */
export function readVersions(text: string): Release[] {
  const listed = listOf(parsed(text) ?? text.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/)[0]));
  return listed.map(toRelease).filter((release) => release !== null);
}

/** Releases above `current`, newest first, each once. Those before a release (`-rc.1`) only where `current` is one as well. */
export function newerThan(current: string, releases: readonly Release[]): Release[] {
  const takesPrereleases = isPrerelease(current);
  const newer = releases.filter(({ version }) => Bun.semver.order(version, current) > 0 && (takesPrereleases || !isPrerelease(version)));
  const once = new Map(newer.map((release) => [release.version, release]));
  return [...once.values()].sort((a, b) => Bun.semver.order(b.version, a.version));
}

const isPrerelease = (version: string) => version.split("+", 1)[0]!.includes("-");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A list, `{"versions": …}` or `{"releases": …}`, `{"latest": "1.2.3"}`, or versions as names. */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) return [value];
  const { versions, releases, latest } = value as Record<string, unknown>;
  const listed = versions ?? releases;
  if (listed !== undefined) return [...listOf(listed), latest];
  if (latest !== undefined) return [latest];
  if ("version" in value || "tag_name" in value) return [value];
  return Object.entries(value).map(([version, rest]) => ({ ...(typeof rest === "object" ? rest : {}), version }));
}

function toRelease(value: unknown): Release | null {
  if (typeof value === "string") return versionOf(value);
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Record<string, unknown>;
  const found = versionOf(fields.version ?? fields.tag_name);
  if (!found) return null;
  return {
    ...found,
    ...(isLine(fields.date) ? { date: fields.date } : {}),
    ...(isLine(fields.notes) ? { notes: fields.notes } : {}),
    ...(isLine(fields.url) ? { url: fields.url } : {}),
    ...(fields.security === true ? { security: true } : {}),
  };
}

function versionOf(value: unknown): Release | null {
  const [, version] = typeof value === "string" ? (VERSION.exec(value.trim()) ?? []) : [];
  return version ? { version } : null;
}

/** One line of a length that a terminal shows, without control characters: the file is somebody else's. */
const isLine = (value: unknown): value is string => typeof value === "string" && value.length <= 500 && !/\p{Cc}/u.test(value);

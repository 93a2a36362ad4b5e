// Lists of an S3-compatible bucket: signs their query (AWS Signature Version 4) and reads their XML. Pure.

type SignOptions = { region: string; accessKey: string; secretKey: string; now: Date /** For how long it counts. */; seconds: number };

/**
 * The URL with the query and a signature in it. `Bun.S3Client` signs requests for objects only.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (2026-11-30)
 */
export function signQuery(url: URL, query: Record<string, string>, { region, accessKey, secretKey, now, seconds }: SignOptions): string {
  const time = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  const scope = [time.slice(0, 8), region, "s3", "aws4_request"];
  const all: Record<string, string> = {
    ...query,
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": [accessKey, ...scope].join("/"),
    "X-Amz-Date": time,
    "X-Amz-Expires": String(seconds),
    "X-Amz-SignedHeaders": "host",
  };
  const search = Object.entries(all)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const canonical = ["GET", url.pathname, search, `host:${url.host}`, "", "host", "UNSIGNED-PAYLOAD"].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), Bun.SHA256.hash(canonical, "hex")].join("\n");
  const key = scope.reduce(
    (secret: string | Buffer, part) => new Bun.CryptoHasher("sha256", secret).update(part).digest(),
    `AWS4${secretKey}`,
  );
  const signature = new Bun.CryptoHasher("sha256", key).update(text).digest("hex");
  return `${url.origin}${url.pathname}?${search}&X-Amz-Signature=${signature}`;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

export type ObjectPage = {
  objects: { name: string; bytes: number /** Epoch ms; 0: unknown. */; at: number }[];
  /** Where the next page begins; null: this is the last one. */
  next: string | null;
};

/** A response of ListObjectsV2. */
export function readObjectPage(xml: string): ObjectPage {
  const objects: ObjectPage["objects"] = [];
  let at = 0;
  for (;;) {
    const start = xml.indexOf("<Contents>", at);
    const end = start < 0 ? -1 : xml.indexOf("</Contents>", start);
    if (end < 0) break;
    const entry = xml.slice(start, end);
    at = end;
    const name = textIn(entry, "Key");
    if (name === null) continue;
    objects.push({
      name,
      bytes: Number(textIn(entry, "Size")) || 0,
      at: Date.parse(textIn(entry, "LastModified") ?? "") || 0,
    });
  }
  const isCut = textIn(xml, "IsTruncated") === "true";
  return { objects, next: isCut ? textIn(xml, "NextContinuationToken") : null };
}

/** Text of the first element of a name; null: there is none. */
function textIn(xml: string, name: string): string | null {
  const start = xml.indexOf(`<${name}>`);
  const end = start < 0 ? -1 : xml.indexOf(`</${name}>`, start);
  return end < 0 ? null : withoutEntities(xml.slice(start + name.length + 2, end));
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const withoutEntities = (text: string): string =>
  text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]{2,4});/gi, (whole, name: string) => {
    if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
    const code = name[1]!.toLowerCase() === "x" ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });

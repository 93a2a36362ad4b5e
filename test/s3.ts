// S3 server of tests: s3rver behind a door that verifies each signature (AWS Signature Version 4), and that can be closed.

import { createHmac } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "s3rver";

export const S3_ACCESS_KEY = "S3RVER";
export const S3_SECRET_KEY = "S3RVER";
export const S3_REGION = "us-east-1";

export type S3Server = AsyncDisposable & {
  /** `http://127.0.0.1:port` */
  endpoint: string;
  bucket: string;
  /** A client of its own, to look at what was written. */
  client: Bun.S3Client;
  /** Method and path of each request that was let in, in order. */
  requests: string[];
  /** From now on every request is refused with this status; null: served again. */
  refuseWith(status: number | null): void;
  /** Asked before each request: its response, or null for the usual one; what it awaits holds the request up. Null: none is asked. */
  intercept: ((request: Request) => Promise<Response | null>) | null;
  /** From now on connections are refused, until {@link open}. */
  close(): Promise<void>;
  open(): void;
};

/** Starts a server with one empty bucket, on ports that the system chooses. */
export async function startS3(bucket = "flow2api"): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), "flow2api-s3-"));
  const inner = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory, configureBuckets: [{ name: bucket, configs: [] }] });
  const { port: innerPort } = await inner.run();
  let refusal: number | null = null;
  const requests: string[] = [];

  const handle = async (request: Request): Promise<Response> => {
    if (refusal !== null) return s3Error(refusal, "ServiceUnavailable");
    const own = await s3.intercept?.(request);
    if (own) return own;
    const url = new URL(request.url);
    if (!isSigned(request, url)) return s3Error(403, "SignatureDoesNotMatch");
    requests.push(`${request.method} ${url.pathname}`);
    // The signature was verified here: s3rver reads no more than half of version 4, and takes what is left for a stranger's request.
    const overrides = [...url.searchParams].filter(([name]) => name.startsWith("response-"));
    for (const name of [...url.searchParams.keys()]) if (/^(X-Amz-|response-)/.test(name)) url.searchParams.delete(name);
    const headers = new Headers(request.headers);
    for (const name of ["authorization", "x-amz-date", "x-amz-content-sha256", "host"]) headers.delete(name);
    const target = `http://127.0.0.1:${innerPort}${url.pathname}${url.search}`;
    const body = request.method === "PUT" || request.method === "POST" ? await request.bytes() : undefined;
    const response = await fetch(target, { method: request.method, headers, body, decompress: false, redirect: "manual", proxy: "" });
    const answer = new Response(response.body, { status: response.status, headers: response.headers });
    for (const [name, value] of overrides) answer.headers.set(name.slice("response-".length), value);
    return answer;
  };
  let server = Bun.serve({ hostname: "127.0.0.1", port: 0, maxRequestBodySize: 2 ** 31, idleTimeout: 0, fetch: handle });
  const port = server.port!;
  const endpoint = `http://127.0.0.1:${port}`;

  const s3: S3Server = {
    endpoint,
    bucket,
    requests,
    intercept: null,
    client: new Bun.S3Client({ endpoint, bucket, region: S3_REGION, accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY }),
    refuseWith(status) {
      refusal = status;
    },
    async close() {
      await server.stop(true);
    },
    open() {
      server = Bun.serve({ hostname: "127.0.0.1", port, maxRequestBodySize: 2 ** 31, idleTimeout: 0, fetch: handle });
    },
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      await inner.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return s3;
}

const s3Error = (status: number, code: string): Response =>
  new Response(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>refused by the test</Message></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html (2026-11-30): in headers, or in the query. */
function isSigned(request: Request, url: URL): boolean {
  const inQuery = url.searchParams.get("X-Amz-Signature");
  const header = request.headers.get("authorization") ?? "";
  const read = (name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(header)?.[1] ?? "";
  const signature = inQuery ?? read("Signature");
  const credential = inQuery ? url.searchParams.get("X-Amz-Credential")! : read("Credential");
  const signed = (inQuery ? url.searchParams.get("X-Amz-SignedHeaders")! : read("SignedHeaders")).split(";");
  const time = inQuery ? url.searchParams.get("X-Amz-Date")! : (request.headers.get("x-amz-date") ?? "");
  const [accessKey, ...scope] = credential.split("/");
  if (accessKey !== S3_ACCESS_KEY || signature === "" || scope.length !== 4) return false;
  if (inQuery && isExpired(time, Number(url.searchParams.get("X-Amz-Expires")))) return false;

  const query = [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const canonical = [
    request.method,
    url.pathname
      .split("/")
      .map((part) => encode(decodeURIComponent(part)))
      .join("/"),
    query,
    ...signed.map((name) => `${name}:${(request.headers.get(name) ?? "").trim()}`),
    "",
    signed.join(";"),
    inQuery ? (url.searchParams.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD") : (request.headers.get("x-amz-content-sha256") ?? ""),
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), Bun.SHA256.hash(canonical, "hex")].join("\n");
  const key = scope.reduce((secret: string | Buffer, part) => createHmac("sha256", secret).update(part).digest(), `AWS4${S3_SECRET_KEY}`);
  return createHmac("sha256", key).update(text).digest("hex") === signature;
}

function isExpired(time: string, seconds: number): boolean {
  const at = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  return Number.isNaN(at) || Date.now() > at + seconds * 1000;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

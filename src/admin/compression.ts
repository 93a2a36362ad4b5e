// Response compression (gzip): pages on the fly, static assets once.

/** Below this the head of the response weighs more than what is saved. */
const WORTH_BYTES = 1_000;
/** Not what is saved to a file: that may be long, and is handed on piece by piece. */
const WORTH_TYPES = /^(text\/(html|css|javascript)|image\/svg\+xml)/;
/** Quick, and within a tenth of the best. */
const PAGE = { level: 1, library: "libdeflate" } as const;
const FILE = { level: 9, library: "libdeflate" } as const;

type Answered = { request: Request; responseValue: unknown };

/**
 * Runs after handlers. A page holds a form token beside words of its address, which a stranger could guess the token from where he may
 * both ask in the operator's name and see the lengths of responses; the session's cookie is `SameSite=Strict`, so he may not ask.
 */
export async function compressPage({ request, responseValue }: Answered): Promise<Response | undefined> {
  if (!(responseValue instanceof Response) || !isWorth(request, responseValue)) return;
  const bytes = await responseValue.bytes();
  return bytes.length < WORTH_BYTES ? again(responseValue, bytes) : compressed(responseValue, Bun.gzipSync(bytes, PAGE));
}

/** The same for files at addresses that change with their content. */
export function createFileCompression(): (answered: Answered) => Promise<Response | undefined> {
  const known = new Map<string, Uint8Array<ArrayBuffer>>();
  return async ({ request, responseValue }) => {
    if (!(responseValue instanceof Response) || !isWorth(request, responseValue)) return;
    const { pathname } = new URL(request.url);
    const bytes = known.get(pathname) ?? Bun.gzipSync(await responseValue.bytes(), FILE);
    known.set(pathname, bytes);
    return compressed(responseValue, bytes);
  };
}

function takesGzip(request: Request): boolean {
  const codings = (request.headers.get("accept-encoding") ?? "").split(",");
  return codings.some((coding) => {
    const [name = "", ...parameters] = coding.split(";");
    return name.trim() === "gzip" && !parameters.some((parameter) => /^q=0(\.0+)?$/.test(parameter.trim()));
  });
}

/** Streams are left alone: what is live has to arrive at once. */
function isWorth(request: Request, { status, headers, body }: Response): boolean {
  const type = headers.get("content-type") ?? "";
  return (
    status !== 206 &&
    body !== null &&
    request.method !== "HEAD" &&
    WORTH_TYPES.test(type) &&
    !headers.has("content-encoding") &&
    takesGzip(request)
  );
}

function again({ status, headers }: Response, bytes: Uint8Array<ArrayBuffer>): Response {
  return new Response(bytes, { status, headers });
}

function compressed({ status, headers }: Response, bytes: Uint8Array<ArrayBuffer>): Response {
  const changed = new Headers(headers);
  changed.set("content-encoding", "gzip");
  changed.append("vary", "accept-encoding");
  for (const name of ["content-length", "etag"]) changed.delete(name);
  return new Response(bytes, { status, headers: changed });
}

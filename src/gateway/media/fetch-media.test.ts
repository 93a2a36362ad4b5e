// The guard around client-named URLs: nothing that is not public is ever connected to, nothing is read without end.
import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import type { Settings } from "../../config/settings-schema.ts";
import { AppError } from "../../errors.ts";
import { type HttpRequest, send } from "../../http.ts";
import { virtualClock } from "../../testing.ts";
import { HOSTILE_URLS, NAMES } from "./fetch-media.fixtures.ts";
import { createMediaFetch, type MediaFetchDependencies } from "./fetch-media.ts";
import { MP4_HEADER, PIXEL_PNG, pngHeader } from "./media.fixtures.ts";

const MEBIBYTE = 1024 * 1024;
const media = { fetch_timeout: 30, fetch_limit_mb: 1, max_megapixels: 10 };
const settings = () => ({ media }) as Settings;
const resolve = async (host: string) => NAMES[host.replace(/\.$/, "")] ?? [];

/** A guarded fetch with all defaults of these tests. */
const createFetch = (deps: Partial<MediaFetchDependencies> = {}) => {
  const fetchMedia = createMediaFetch({ settings, allowPrivateHosts: [], resolve, ...deps });
  return (url: string, signal = new AbortController().signal) => fetchMedia(url, { signal, param: "image_url" });
};

/** A sender that records what it is asked and answers by path; `/` and unknown paths give an image. */
function recordingSend(responses: Record<string, () => Response> = {}) {
  const requests: HttpRequest[] = [];
  const sendStub: typeof send = async (request) => {
    requests.push(request);
    return responses[new URL(request.url).pathname]?.() ?? new Response(PIXEL_PNG);
  };
  return { requests, send: sendStub };
}

/** A server on loopback that counts its requests. */
function listen(handler: (request: Request) => Response | Promise<Response>) {
  let requests = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      requests++;
      return handler(request);
    },
  });
  return { port: server.port, requests: () => requests, [Symbol.asyncDispose]: () => server.stop(true) };
}

const redirectTo =
  (location: string, status = 302) =>
  () =>
    new Response(null, { status, headers: { location } });

const refusal = async (fetching: Promise<unknown>): Promise<AppError> => {
  const error = await fetching.then(
    () => new Error("It was fetched."),
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(AppError);
  return error;
};

describe("hostile URLs", () => {
  test("there are more than sixty", () => expect(new Set(HOSTILE_URLS).size).toBeGreaterThan(60));

  test("none makes a connection, each is an invalid request that names the field and repeats no secret", async () => {
    await using victim = listen(() => new Response(PIXEL_PNG));
    const recorder = recordingSend();
    const pretended = createFetch({ send: recorder.send });
    const real = createFetch({ send });
    for (const template of HOSTILE_URLS) {
      const url = template.replaceAll("PORT", String(victim.port));
      for (const fetchMedia of [pretended, real]) {
        const error = await refusal(fetchMedia(url));
        expect({ url, kind: error.kind, param: error.param }).toEqual({ url, kind: "invalid_request", param: "image_url" });
        expect(error.message).not.toMatch(/secret|meta-data|a\.png|10\.1\.2\.3/);
      }
    }
    expect(recorder.requests.map(({ url }) => url)).toEqual([]);
    expect(victim.requests()).toBe(0);
  });

  test("none makes a connection as the end of a redirect", async () => {
    // Without the relative ones, which lead back to the public host (`http:` followed by no slash is one), and what no header can hold.
    const locations = HOSTILE_URLS.filter((url) => /^(?!http:\d)[a-z0-9]+:[\x20-\x7e]*$/i.test(url)).map((url) =>
      url.replaceAll("PORT", "8080"),
    );
    expect(locations.length).toBeGreaterThan(60);
    for (const location of locations) {
      const recorder = recordingSend({ "/start": redirectTo(location) });
      const error = await refusal(createFetch({ send: recorder.send })("http://public.example/start"));
      expect({ location, kind: error.kind }).toEqual({ location, kind: "invalid_request" });
      expect(recorder.requests.map(({ url }) => url)).toEqual(["http://93.184.216.34/start"]);
    }
  });
});

describe("redirects", () => {
  test("a chain that ends at loopback stops before it, over real connections", async () => {
    await using victim = listen(() => new Response(PIXEL_PNG));
    await using first = listen((request) => {
      const hop = Number(new URL(request.url).pathname.slice(1));
      return redirectTo(hop < 3 ? `/${hop + 1}` : `http://127.0.0.1:${victim.port}/`)();
    });
    const fetchMedia = createFetch({ allowPrivateHosts: ["pictures.test"], resolve: async () => ["127.0.0.1"] });
    const error = await refusal(fetchMedia(`http://pictures.test:${first.port}/0`));
    expect(error.message).toContain("not on the public internet");
    expect([first.requests(), victim.requests()]).toEqual([4, 0]);
  });

  test("five are followed, relative to the client's URL and not to the address", async () => {
    const hops = Object.fromEntries([0, 1, 2, 3, 4].map((hop) => [`/${hop}`, redirectTo(`${hop + 1}?a=1`, 301 + (hop % 2))]));
    const recorder = recordingSend(hops);
    expect((await createFetch({ send: recorder.send })("http://public.example/0")).mime).toBe("image/png");
    expect(recorder.requests.at(-1)).toMatchObject({ url: "http://93.184.216.34/5?a=1", headers: { host: "public.example" } });
  });

  test("a sixth is refused", async () => {
    const recorder = recordingSend({ "/": redirectTo("/") });
    expect((await refusal(createFetch({ send: recorder.send })("http://public.example/"))).message).toContain("more than 5 times");
    expect(recorder.requests).toHaveLength(6);
  });
});

describe("the address", () => {
  test("is resolved once and dialled as it was checked, with the name in Host and certificate", async () => {
    const responses = [["93.184.216.34"], ["127.0.0.1"]];
    const asked: string[] = [];
    const recorder = recordingSend();
    const fetchMedia = createFetch({
      send: recorder.send,
      resolve: async (host) => {
        asked.push(host);
        return responses.shift() ?? [];
      },
    });
    await fetchMedia("https://Rebinding.Example:8443/x%2fy?z=1#fragment");
    expect(asked).toEqual(["rebinding.example"]);
    expect(recorder.requests).toEqual([
      expect.objectContaining({
        url: "https://93.184.216.34:8443/x%2fy?z=1",
        serverName: "rebinding.example",
        headers: expect.objectContaining({ host: "rebinding.example:8443" }),
        proxy: null,
      }),
    ]);
  });

  test("is checked again on a redirect to the same name", async () => {
    const responses = [["93.184.216.34"], ["127.0.0.1"]];
    const recorder = recordingSend({ "/a": redirectTo("/b") });
    const fetchMedia = createFetch({ send: recorder.send, resolve: async () => responses.shift() ?? [] });
    expect((await refusal(fetchMedia("http://rebinding.example/a"))).message).toContain("not on the public internet");
    expect(recorder.requests).toHaveLength(1);
  });

  test("is followed by the next one when it cannot be reached, but not once it has answered", async () => {
    const tried: string[] = [];
    const fetchMedia = createFetch({
      resolve: async () => ["2606:4700:4700::1111", "93.184.216.34", "1.1.1.1"],
      send: async ({ url }) => {
        tried.push(url);
        throw new AppError(tried.length < 2 ? "network" : "upstream_unknown_outcome", "No.");
      },
    });
    expect((await refusal(fetchMedia("http://many.example/"))).kind).toBe("invalid_request");
    expect(tried).toEqual(["http://[2606:4700:4700::1111]/", "http://93.184.216.34/"]);
  });

  test("a literal public address is dialled without a name", async () => {
    const recorder = recordingSend();
    await createFetch({ send: recorder.send })("https://[2606:4700:4700::1111]/a");
    expect(recorder.requests[0]).toMatchObject({ url: "https://[2606:4700:4700::1111]/a", headers: { host: "[2606:4700:4700::1111]" } });
    expect(recorder.requests[0]?.serverName).toBeUndefined();
  });

  test("a private host passes when the operator names it, and only that host", async () => {
    await using server = listen((request) =>
      request.headers.get("host")?.startsWith("nas.local") ? new Response(PIXEL_PNG) : new Response(),
    );
    const fetchMedia = createFetch({ allowPrivateHosts: ["NAS.local", "127.0.0.9"], resolve: async () => ["127.0.0.1"] });
    expect((await fetchMedia(`http://nas.local:${server.port}/a`)).mime).toBe("image/png");
    for (const host of ["127.0.0.1", "a.nas.local", "other.example", "127.0.0.8"]) {
      expect((await refusal(fetchMedia(`http://${host}:${server.port}/a`))).message).toContain("not on the public internet");
    }
    expect(server.requests()).toBe(1);
  });
});

describe("what is read", () => {
  /** Bytes that never end. */
  const endless = (start: Uint8Array, more: Uint8Array, cancel?: () => void): ReadableStream<Uint8Array> => {
    let isFirst = true;
    return new ReadableStream({
      cancel,
      pull(controller) {
        controller.enqueue(isFirst ? start : more);
        isFirst = false;
      },
    });
  };
  const zeros = new Uint8Array(MEBIBYTE);
  const responses: [string, () => Response, string][] = [
    ["a status that is no success", () => new Response(PIXEL_PNG, { status: 404 }), "status 404"],
    ["a redirect to nowhere", () => new Response(PIXEL_PNG, { status: 302 }), "status 302"],
    ["an empty answer", () => new Response(null, { status: 204 }), "not a PNG"],
    ["a page that claims to be a picture", () => new Response("<html>", { headers: { "content-type": "image/png" } }), "not a PNG"],
    ["text without end", () => new Response(endless(zeros.subarray(0, 600), zeros)), "not a PNG"],
    ["a video where an image is wanted", () => new Response(MP4_HEADER), "not a PNG"],
    ["30,000 x 30,000 pixels", () => new Response(pngHeader(30_000, 30_000)), "30000x30000"],
    ["a length over the limit", () => new Response(new Blob([PIXEL_PNG, zeros])), "larger than 1 MiB"],
    ["a picture without end", () => new Response(endless(PIXEL_PNG, zeros)), "larger than 1 MiB"],
    [
      "a gzip bomb without end",
      () =>
        new Response(endless(gzipSync(PIXEL_PNG), gzipSync(new Uint8Array(50 * MEBIBYTE))), { headers: { "content-encoding": "gzip" } }),
      "larger than 1 MiB",
    ],
    [
      "compressed nothing without end",
      () => new Response(endless(gzipSync(PIXEL_PNG), gzipSync("")), { headers: { "content-encoding": "gzip" } }),
      "larger than 1 MiB",
    ],
    ["damaged compression", () => new Response(PIXEL_PNG, { headers: { "content-encoding": "gzip" } }), "cannot be decompressed"],
    ["an unknown encoding", () => new Response(PIXEL_PNG, { headers: { "content-encoding": "constructor" } }), "encoding"],
  ];

  test.each(responses)("%s is refused", async (_name, response, part) => {
    await using server = listen(response);
    const error = await refusal(createFetch({ allowPrivateHosts: ["127.0.0.1"] })(`http://127.0.0.1:${server.port}/?secret`));
    expect(error).toMatchObject({ kind: "invalid_request", param: "image_url" });
    expect(error.cause).toBeUndefined();
    expect(error.message).toContain(part);
    expect(error.message).not.toContain("secret");
  });

  test("a refused transfer is cut", async () => {
    const cut = Promise.withResolvers<void>();
    await using server = listen(() => new Response(endless(PIXEL_PNG, zeros, cut.resolve)));
    await refusal(createFetch({ allowPrivateHosts: ["127.0.0.1"] })(`http://127.0.0.1:${server.port}/`));
    await cut.promise;
  });

  test("compressed images are understood, whatever the server was asked for", async () => {
    const encodings: [string, Uint8Array<ArrayBuffer>][] = [
      ["gzip", new Uint8Array(gzipSync(PIXEL_PNG))],
      ["zstd", new Uint8Array(Bun.zstdCompressSync(PIXEL_PNG))],
      ["identity", PIXEL_PNG],
    ];
    for (const [encoding, body] of encodings) {
      await using server = listen(() => new Response(body, { headers: { "content-encoding": encoding } }));
      const { bytes, mime } = await createFetch({ allowPrivateHosts: ["127.0.0.1"] })(`http://127.0.0.1:${server.port}/`);
      expect([encoding, mime, Buffer.compare(bytes, PIXEL_PNG)]).toEqual([encoding, "image/png", 0]);
    }
  });

  test("a video passes where it is wanted", async () => {
    const recorder = recordingSend({ "/v": () => new Response(MP4_HEADER) });
    const fetchMedia = createMediaFetch({ settings, allowPrivateHosts: [], resolve, send: recorder.send });
    const { signal } = new AbortController();
    expect((await fetchMedia("http://public.example/v", { signal, kinds: ["video"] })).mime).toBe("video/mp4");
  });

  test("a connection that breaks off is the URL's fault", async () => {
    const socket = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (connection) => void connection.end("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n\x89PNG") },
    });
    const error = await refusal(createFetch({ allowPrivateHosts: ["127.0.0.1"] })(`http://127.0.0.1:${socket.port}/`));
    socket.stop(true);
    expect(error.kind).toBe("invalid_request");
    expect(error.cause).toBeUndefined();
  });
});

describe("time", () => {
  const never = () => new Promise<never>(() => {});

  test.each([
    ["a resolver that does not answer", { resolve: never }],
    ["a server that does not answer", { resolve: async () => ["127.0.0.1"] }],
  ])("%s is given up after media.fetch_timeout", async (_name, deps) => {
    await using server = listen(never);
    const clock = virtualClock();
    const fetching = refusal(createFetch({ clock, allowPrivateHosts: ["slow.test"], ...deps })(`http://slow.test:${server.port}/`));
    await clock.advance(30_000);
    expect(await fetching).toMatchObject({ kind: "invalid_request", message: "The URL took longer than 30 s." });
    expect(clock.nextTimer()).toBeNull();
  });

  test("a drip does not prolong it", async () => {
    const drip = async (controller: ReadableStreamDefaultController) => {
      controller.enqueue(PIXEL_PNG.subarray(0, 1));
      await Bun.sleep(5);
    };
    await using server = listen(() => new Response(new ReadableStream({ pull: drip })));
    const clock = virtualClock();
    const fetching = refusal(createFetch({ clock, allowPrivateHosts: ["127.0.0.1"] })(`http://127.0.0.1:${server.port}/`));
    while (server.requests() === 0) await Bun.sleep(1);
    await clock.advance(30_000);
    expect((await fetching).message).toContain("longer than 30 s");
  });

  test("the caller's reason is passed on, before and while fetching", async () => {
    await using server = listen(never);
    const reason = new AppError("cancelled", "The client left.");
    const fetchMedia = createFetch({ allowPrivateHosts: ["127.0.0.1"] });
    expect(await refusal(fetchMedia(`http://127.0.0.1:${server.port}/`, AbortSignal.abort(reason)))).toBe(reason);
    const controller = new AbortController();
    const fetching = refusal(fetchMedia(`http://127.0.0.1:${server.port}/`, controller.signal));
    while (server.requests() === 0) await Bun.sleep(1);
    controller.abort(reason);
    expect(await fetching).toBe(reason);
  });
});

test("a sender that fails in a way nobody foresaw is a bug, not the client's fault", async () => {
  const broken = new TypeError("undefined is not a function");
  const { signal } = new AbortController();
  const fetchMedia = createMediaFetch({ settings, allowPrivateHosts: [], resolve, send: () => Promise.reject(broken) });
  await expect(fetchMedia("http://public.example/", { signal })).rejects.toBe(broken);
});

// A whole generation against a stand-in: order of calls, what is sent where, what is paid and what is repeated.
import { describe, expect, test } from "bun:test";
import type { ImageRequest, InputMedia } from "../../domain/generation.ts";
import { AppError } from "../../errors.ts";
import { builtInModels, collect, type ProviderEvent } from "../testing.ts";
import { createFlow } from "./client.ts";
import { createCaller, NOW, recordingLog, refuse, type StubRoute, startStub, TEST_IMAGE } from "./testing.ts";

type Stub = ReturnType<typeof startStub>;

function flowOf(stub: Stub, log = recordingLog().log) {
  return createFlow({
    models: builtInModels("flow"),
    labsBaseUrl: stub.labsBaseUrl,
    apiBaseUrl: stub.apiBaseUrl,
    now: () => NOW,
    random: () => 0.5,
    log,
  });
}

const renderedImage = (mediaId?: string): InputMedia => ({
  mime: "image/png",
  data: new Blob([TEST_IMAGE]),
  ...(mediaId ? { mediaId } : {}),
});

function request(change: Partial<ImageRequest> = {}, inputs: InputMedia[] = []): ImageRequest {
  const images = inputs.map((image) => ({ type: "image", image }) as const);
  return { family: "gemini-3-pro-image", turns: [{ role: "user", parts: [{ type: "text", text: "a cat" }, ...images] }], ...change };
}

const names = (events: ProviderEvent[]) =>
  events.map((event) =>
    event.type !== "progress" ? event.type : event.stage === "uploading" ? `uploading ${event.index}/${event.total}` : event.stage,
  );

function failureOf(error: unknown): AppError {
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe("check", () => {
  test("learns identity, plan, credits, families and when to come back", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    expect(await flowOf(stub).check(token, call)).toEqual({
      identity: "ada@example.com",
      tier: 1,
      credits: 950,
      families: ["gemini-3-pro-image", "gemini-3.1-flash-image", "imagen-4", "veo-3.1", "omni"],
      renewBefore: Date.UTC(2026, 10, 24, 9, 50),
    });
    expect(token.state.tier).toBe(1);
    const credits = stub.named("credits")[0]!.headers;
    expect([credits.get("authorization"), credits.get("cookie")]).toEqual(["Bearer ya29.access-1", null]);
  });

  test("renews the session each time, so that it does not run out unused", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const flow = flowOf(stub);
    await flow.check(token, call);
    await flow.check(token, call);
    expect(stub.count("session")).toBe(2);
  });

  test("leaves out what Flow did not report", async () => {
    await using stub = startStub();
    stub.on.session = () => Response.json({ access_token: "ya29.a" });
    stub.on.credits = () => Response.json({});
    const { token, call } = createCaller({ state: { tier: 2 } });
    expect(Object.keys(await flowOf(stub).check(token, call))).toEqual(["families"]);
    expect(token.state.tier).toBe(2);
  });

  test("does not ask to come back at once however short the access token lives", async () => {
    await using stub = startStub();
    stub.on.session = () => Response.json({ access_token: "ya29.a", expires: new Date(NOW - 5000).toISOString() });
    const { token, call } = createCaller();
    expect((await flowOf(stub).check(token, call)).renewBefore).toBe(NOW + 60_000);
  });

  const failures: [string, StubRoute, () => Response, string][] = [
    ["a dead session", "session", () => Response.json({}), "upstream_unauthorized"],
    ["credits that stay at 401", "credits", () => refuse(401, "UNAUTHENTICATED"), "upstream_unauthorized"],
    ["credits in trouble", "credits", () => new Response("", { status: 502 }), "upstream_unavailable"],
    ["credits that are no JSON", "credits", () => new Response("<html>"), "upstream_unavailable"],
  ];
  for (const [name, route, response, kind] of failures) {
    test(`${name}: ${kind}`, async () => {
      await using stub = startStub();
      stub.on[route] = response;
      const { token, call } = createCaller();
      const error = await flowOf(stub)
        .check(token, call)
        .catch((reason: unknown) => reason);
      expect(failureOf(error).kind as string).toBe(kind);
    });
  }
});

describe("an image", () => {
  test("comes by session, project, one generating call and its link", async () => {
    await using stub = startStub();
    const { token, call, drafts } = createCaller();
    const { events, error } = await collect(flowOf(stub), [request({ aspect: "1:1", seed: 9 }), token, call]);
    expect(error).toBeUndefined();
    expect(names(events)).toEqual(["generating", "submitted", "downloading", "image", "finish"]);
    expect(events.at(-2)).toMatchObject({ thought: false, draft: { path: "draft-0", bytes: TEST_IMAGE.length, mime: "image/png" } });
    expect(events.at(-1)).toEqual({ type: "finish", finish: "stop", upstreamReason: "STOP", usage: null });
    expect(drafts[0]!.bytes).toEqual(Buffer.from(TEST_IMAGE));

    expect(stub.calls.map((one) => one.name)).toEqual(["session", "project", "generate", "file"]);
    const [generate] = stub.named("generate");
    expect(generate!.path).toBe("/v1/projects/project-2/flowMedia:batchGenerateImages");
    expect(generate!.body).toMatchObject({
      clientContext: { projectId: "project-2", tool: "PINHOLE", sessionId: `;${NOW}` },
      requests: [{ seed: 9, imageModelName: "GEM_PIX_2", imageAspectRatio: "IMAGE_ASPECT_RATIO_SQUARE", imageInputs: [] }],
    });
  });

  test("takes no secret where it does not belong, and no verification field anywhere", async () => {
    await using stub = startStub();
    for (const route of ["file", "media"] as const) stub.on[route] = () => new Response("", { status: 403 });
    const { token, call } = createCaller({ secret: "canary-cookie" });
    await collect(flowOf(stub), [request({}, [renderedImage()]), token, call]);
    expect(new Set(stub.calls.map((one) => one.name)).size).toBe(7);
    for (const { name, path, headers, body } of stub.calls) {
      const isLabs = path.startsWith("/labs");
      expect([name, headers.has("cookie"), headers.has("authorization")]).toEqual([name, isLabs, !isLabs && name !== "file"]);
      expect(headers.get("user-agent")).toStartWith("flow2api/");
      expect(path + JSON.stringify(body)).not.toMatch(/canary-cookie|ya29|recaptcha/i);
    }
  });

  test("of the next request finds session and project known, over a restart too", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    await collect(flowOf(stub), [request(), token, call]);
    await collect(flowOf(stub), [request(), token, call]);
    expect([stub.count("session"), stub.count("project"), stub.count("generate")]).toEqual([1, 1, 2]);
  });

  test("of many first requests at once makes one project", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const flow = flowOf(stub);
    const before = { ...token };
    await Promise.all(Array.from({ length: 8 }, () => collect(flow, [request(), token, call])));
    await collect(flow, [request(), before, call]);
    expect([stub.count("session"), stub.count("project"), stub.count("generate")]).toEqual([1, 1, 9]);
  });

  test("keeps the project of an account whose cookie was renewed, not that of another account", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    await collect(flowOf(stub), [request(), token, call]);
    token.secret = "cookie-of-the-next-day";
    await collect(flowOf(stub), [request(), token, call]);
    expect(stub.count("project")).toBe(1);
    stub.on.session = () => Response.json({ access_token: "ya29.b", user: { email: "bob@example.com" } });
    token.secret = "cookie-of-bob";
    await collect(flowOf(stub), [request(), token, call]);
    expect(stub.count("project")).toBe(2);
  });

  test("is not asked for when the plan cannot be made", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const { error } = await collect(flowOf(stub), [request({ aspect: "8:1" }), token, call]);
    expect(failureOf(error).kind).toBe("upstream_invalid");
    expect(stub.calls).toHaveLength(0);
  });

  test("that Flow did not make is a finish, not an error", async () => {
    await using stub = startStub();
    stub.on.generate = () => Response.json({ media: [] });
    const { token, call } = createCaller();
    const { events } = await collect(flowOf(stub), [request(), token, call]);
    expect(events.at(-1)).toMatchObject({ type: "finish", finish: "no_image", usage: null });
  });
});

describe("references", () => {
  test("are uploaded with progress, in order, and named in the call", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const { events } = await collect(flowOf(stub), [request({}, [renderedImage("a"), renderedImage("b")]), token, call]);
    expect(names(events).slice(0, 4)).toEqual(["uploading 1/2", "uploading 2/2", "generating", "submitted"]);
    expect(stub.named("upload")[0]!.body).toMatchObject({ mimeType: "image/png", imageBytes: TEST_IMAGE.toBase64() });
    const { requests } = stub.named("generate")[0]!.body as { requests: { imageInputs: { name: string }[] }[] };
    expect(requests[0]!.imageInputs.map((input) => input.name)).toEqual(["upload-3", "upload-4"]);
  });

  test("that the project has already are not uploaded again; unnamed ones and other tokens' are", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const other = createCaller({ id: 2, secret: "cookie-2" });
    const flow = flowOf(stub);
    const run = () => collect(flow, [request({}, [renderedImage("a"), renderedImage()]), token, call]);
    await run();
    expect(names((await run()).events)[0]).toBe("uploading 2/2");
    expect(stub.count("upload")).toBe(3);
    await collect(flow, [request({}, [renderedImage("a")]), other.token, other.call]);
    expect(stub.count("upload")).toBe(4);
  });

  test("are uploaded again after Flow refused a request that named them", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const flow = flowOf(stub);
    const good = stub.on.generate;
    stub.on.generate = () => refuse(400, "INVALID_ARGUMENT");
    const { error } = await collect(flow, [request({}, [renderedImage("a")]), token, call]);
    expect(failureOf(error).kind).toBe("upstream_invalid");
    stub.on.generate = good;
    await collect(flow, [request({}, [renderedImage("a")]), token, call]);
    expect([stub.count("upload"), stub.count("generate")]).toEqual([2, 2]);
  });

  test("that Flow refuses end the request before anything is paid", async () => {
    await using stub = startStub();
    stub.on.upload = () => refuse(400, "INVALID_ARGUMENT", "PUBLIC_ERROR_MINOR_UPLOAD");
    const { token, call } = createCaller();
    const { events, error } = await collect(flowOf(stub), [request({}, [renderedImage()]), token, call]);
    const { kind, charged, detail } = failureOf(error);
    expect([kind, charged, detail?.reason] as unknown[]).toEqual(["content_policy", false, "policy_input"]);
    expect(names(events)).toEqual(["uploading 1/1"]);
  });
});

describe("a refused generating call", () => {
  test("is repeated once after 401 with a renewed session, and reported as submitted once", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const good = stub.on.generate;
    stub.on.generate = (one) => (stub.count("generate") === 1 ? refuse(401, "UNAUTHENTICATED") : good(one));
    const { events, error } = await collect(flowOf(stub), [request(), token, call]);
    expect(error).toBeUndefined();
    expect(names(events).filter((name) => name === "submitted")).toHaveLength(1);
    expect(stub.named("generate").map((one) => one.headers.get("authorization"))).toEqual(["Bearer ya29.access-1", "Bearer ya29.access-3"]);
  });

  test("is repeated once in a fresh project, references and all, when Flow lost the project", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const flow = flowOf(stub);
    await collect(flow, [request({}, [renderedImage("a")]), token, call]);
    const good = stub.on.generate;
    stub.on.generate = (one) => (one.path.includes("project-2/") ? refuse(404, "NOT_FOUND") : good(one));
    const { error } = await collect(flow, [request({}, [renderedImage("a")]), token, call]);
    expect(error).toBeUndefined();
    expect([stub.count("project"), stub.count("upload"), stub.count("generate")]).toEqual([2, 2, 3]);
    await collect(flow, [request(), token, call]);
    expect(stub.count("project")).toBe(2);
  });

  test("with 404 in the fresh project too is about the model", async () => {
    await using stub = startStub();
    stub.on.generate = () => refuse(404, "NOT_FOUND");
    const { token, call } = createCaller();
    const { error } = await collect(flowOf(stub), [request(), token, call]);
    expect(failureOf(error).detail).toEqual({ scope: "token_model", reason: "model_missing" });
    expect([stub.count("project"), stub.count("generate")]).toEqual([2, 2]);
  });

  test("that asks for a person parks the token: nothing is repeated, nothing paid", async () => {
    await using stub = startStub();
    stub.on.generate = () => refuse(403, "PERMISSION_DENIED", "PUBLIC_ERROR_UNUSUAL_ACTIVITY");
    const { token, call } = createCaller();
    const { error } = await collect(flowOf(stub), [request(), token, call]);
    expect([failureOf(error).kind, failureOf(error).charged]).toEqual(["upstream_verification", false]);
    expect(stub.count("generate")).toBe(1);
  });

  const others: [string, () => Response, string, boolean][] = [
    ["quota", () => refuse(429, "RESOURCE_EXHAUSTED"), "upstream_quota", false],
    ["503", () => new Response("", { status: 503 }), "upstream_unavailable", false],
    ["504", () => new Response("", { status: 504 }), "upstream_timeout", true],
    ["an answer that is not JSON", () => new Response("<html>"), "upstream_unknown_outcome", true],
    ["an answer that is a list", () => Response.json([]), "upstream_unknown_outcome", true],
    ["an answer whose media name nothing", () => Response.json({ media: [{}] }), "upstream_unknown_outcome", true],
    ["an answer cut off", () => new Response(cutStream()), "upstream_unknown_outcome", true],
  ];
  for (const [name, response, kind, charged] of others) {
    test(`${name}: ${kind}, ${charged ? "" : "not "}charged, submitted once`, async () => {
      await using stub = startStub();
      stub.on.generate = response;
      const { token, call } = createCaller();
      const { error } = await collect(flowOf(stub), [request(), token, call]);
      expect([failureOf(error).kind, failureOf(error).charged] as unknown[]).toEqual([kind, charged]);
      expect(stub.count("generate")).toBe(1);
    });
  }

  test("that the client leaves ends with the client's reason", async () => {
    await using stub = startStub();
    const { token, call, abort } = createCaller();
    stub.on.generate = () => {
      abort.abort(new AppError("cancelled", "The client left."));
      return new Promise<Response>(() => {});
    };
    const { error } = await collect(flowOf(stub), [request(), token, call]);
    expect(failureOf(error).message).toBe("The client left.");
  });
});

describe("a paid image", () => {
  const bad = () => new Response("gone", { status: 403 });

  test("is fetched again by its link", async () => {
    await using stub = startStub();
    const good = stub.on.file;
    stub.on.file = (one) => (stub.count("file") === 1 ? new Response(cutStream()) : good(one));
    const { token, call, drafts } = createCaller();
    const { events } = await collect(flowOf(stub), [request(), token, call]);
    expect(events.at(-1)).toMatchObject({ finish: "stop" });
    expect([stub.count("generate"), stub.count("file")]).toEqual([1, 2]);
    expect(drafts.map((tempFile) => tempFile.end)).not.toContain("open");
  });

  test("is fetched as bytes from the media store when its link fails twice, or is missing", async () => {
    await using stub = startStub();
    stub.on.file = bad;
    const { token, call, drafts } = createCaller();
    const flow = flowOf(stub);
    await collect(flow, [request(), token, call]);
    expect([stub.count("file"), stub.count("media"), stub.count("generate")]).toEqual([2, 1, 1]);
    expect(drafts.at(-1)!.bytes).toEqual(Buffer.from(TEST_IMAGE));
    stub.on.generate = () => Response.json({ media: [{ name: "made/2" }] });
    await collect(flow, [request(), token, call]);
    expect(stub.calls.at(-1)!.path).toBe("/v1/media/made%2F2");
  });

  test("is fetched by a fresh link at last", async () => {
    await using stub = startStub();
    const good = stub.on.file;
    stub.on.file = (one) => (one.path.startsWith("/files/b") ? good(one) : Response.json({ error: "expired" }));
    stub.on.media = bad;
    const { token, call } = createCaller();
    const { events } = await collect(flowOf(stub), [request(), token, call]);
    expect(events.at(-1)).toMatchObject({ finish: "stop" });
    expect(stub.named("redirect")[0]!.path).toEndWith("?name=made-1&mediaUrlType=MEDIA_URL_TYPE_FULL_MEDIA");
  });

  test("that nobody hands over is an unknown outcome, charged, never submitted again", async () => {
    await using stub = startStub();
    for (const route of ["file", "media", "redirect"] as const) stub.on[route] = bad;
    const { token, call, drafts } = createCaller();
    const { error } = await collect(flowOf(stub), [request(), token, call]);
    expect([failureOf(error).kind, failureOf(error).charged]).toEqual(["upstream_unknown_outcome", true]);
    expect(stub.count("generate")).toBe(1);
    expect(drafts.filter((tempFile) => tempFile.end !== "discarded")).toEqual([]);
  });

  test("is not fetched from a link of another kind, nor from one that leads in circles", async () => {
    await using stub = startStub();
    const { token, call } = createCaller();
    const flow = flowOf(stub);
    stub.on.file = () => new Response(null, { status: 302, headers: { location: "/files/a" } });
    await collect(flow, [request(), token, call]);
    expect(stub.count("file")).toBe(8);
    stub.on.generate = () => Response.json({ media: [{ name: "m", image: { generatedImage: { fifeUrl: "file:///etc/hostname" } } }] });
    const { events } = await collect(flow, [request(), token, call]);
    expect(events.at(-1)).toMatchObject({ finish: "stop" });
    expect([stub.count("file"), stub.count("media")]).toEqual([8, 2]);
  });
});

describe("2K and 4K", () => {
  test("are upscaled from the generation, in its session, with the known plan, and not downloaded first", async () => {
    await using stub = startStub();
    const { token, call, drafts } = createCaller({ state: { tier: 2 } });
    const { events } = await collect(flowOf(stub), [request({ size: "4K" }), token, call]);
    expect(names(events)).toEqual(["generating", "submitted", "upscaling", "image", "finish"]);
    expect(stub.named("upscale")[0]!.body).toEqual({
      mediaId: "made-1",
      targetResolution: "UPSAMPLE_IMAGE_RESOLUTION_4K",
      clientContext: { sessionId: `;${NOW}`, projectId: "project-2", tool: "PINHOLE", userPaygateTier: "PAYGATE_TIER_TWO" },
    });
    expect(drafts.map((tempFile) => [tempFile.end, tempFile.bytes.length])).toEqual([["closed", TEST_IMAGE.length]]);
    expect(stub.count("file")).toBe(0);
  });

  test("of several megabytes come out whole", async () => {
    await using stub = startStub();
    const bytes = Uint8Array.from({ length: 3_000_001 }, (_, index) => (index * 7919) % 251);
    stub.on.upscale = () => Response.json({ encodedImage: bytes.toBase64() });
    const { token, call, drafts } = createCaller();
    await collect(flowOf(stub), [request({ size: "2K" }), token, call]);
    expect(Bun.hash(drafts[0]!.bytes)).toBe(Bun.hash(bytes));
  });

  test("are tried once more when Flow was in trouble", async () => {
    await using stub = startStub();
    const good = stub.on.upscale;
    stub.on.upscale = (one) => (stub.count("upscale") === 1 ? new Response("", { status: 503 }) : good(one));
    const { token, call } = createCaller();
    const { events } = await collect(flowOf(stub), [request({ size: "2K" }), token, call]);
    expect(events.at(-1)).toMatchObject({ finish: "stop" });
    expect([stub.count("generate"), stub.count("upscale")]).toEqual([1, 2]);
  });

  const failures: [string, () => Response, string, number][] = [
    [
      "a plan that has not the size",
      () => refuse(403, "PERMISSION_DENIED", "PUBLIC_ERROR_MODEL_ACCESS_DENIED"),
      "upstream_model_denied",
      1,
    ],
    ["policy", () => refuse(400, "INVALID_ARGUMENT", "PUBLIC_ERROR_UNSAFE_GENERATION"), "content_policy", 1],
    ["verification", () => refuse(403, "PERMISSION_DENIED"), "upstream_verification", 1],
    ["lasting trouble", () => refuse(500, "INTERNAL"), "upstream_unavailable", 2],
    ["a page, which says nothing of the work", () => new Response("<html>", { status: 502 }), "upstream_unknown_outcome", 1],
    ["an answer without picture", () => Response.json({}), "upstream_unknown_outcome", 1],
    ["an answer cut off", () => new Response(cutStream(`{"encodedImage":"${"AAAA".repeat(50_000)}`)), "upstream_unknown_outcome", 1],
  ];
  for (const [name, response, kind, tries] of failures) {
    test(`${name}: ${kind}, charged for the generation`, async () => {
      await using stub = startStub();
      stub.on.upscale = response;
      const { token, call, drafts } = createCaller();
      const { error } = await collect(flowOf(stub), [request({ size: "2K" }), token, call]);
      expect([failureOf(error).kind, failureOf(error).charged] as unknown[]).toEqual([kind, true]);
      expect([stub.count("generate"), stub.count("upscale")]).toEqual([1, tries]);
      expect(drafts.filter((tempFile) => tempFile.end !== "discarded")).toEqual([]);
    });
  }
});

test("no cookie and no access token reaches an error or a log line", async () => {
  const cookie = "canary-cookie-value";
  const secrets = [cookie, "ya29.access", "ya29.rotated"];
  const responses: [StubRoute, () => Response][] = [
    ["session", () => new Response(`{"access_token":"ya29.rotated" ${cookie}`)],
    ["session", () => Response.json({ echo: cookie })],
    ["credits", () => new Response(cookie, { status: 500 })],
    ["project", () => Response.json({ error: { json: { message: cookie } } }, { status: 500 })],
    ["upload", () => refuse(400, cookie, cookie)],
    ["generate", () => refuse(403, cookie, cookie)],
    ["generate", () => new Response(`${cookie} is not JSON`)],
    ["upscale", () => refuse(500, cookie, cookie)],
  ];
  for (const [route, response] of responses) {
    await using stub = startStub();
    stub.on[route] = response;
    const { log, lines } = recordingLog();
    const { token, call } = createCaller({ secret: cookie });
    const flow = flowOf(stub, log);
    const checked = await flow.check(token, call).catch((reason: unknown) => reason);
    const { error } = await collect(flow, [request({ size: "2K" }, [renderedImage()]), token, call]);
    log.error("failed", { error, checked });
    const errors = [error, checked].filter((one) => one instanceof Error).map((one) => Bun.inspect(one, { depth: 8 }));
    expect(errors.length).toBeGreaterThan(0);
    for (const secret of secrets) expect([...lines, ...errors].join("\n")).not.toContain(secret);
  }
});

/** A body that breaks off after its first bytes. */
function cutStream(text = '{"media":[{"name":"ma'): ReadableStream {
  let sent = false;
  return new ReadableStream({
    pull(controller) {
      if (sent) controller.error(undefined);
      else controller.enqueue(new TextEncoder().encode(text));
      sent = true;
    },
  });
}

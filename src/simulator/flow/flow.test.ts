// Tests of the simulated Flow over HTTP: session, projects, credits, uploads, images, links, refusals.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type Simulator, startSimulator } from "../simulator.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ seed: 5 });
});
afterAll(() => simulator.stop());
beforeEach(() => {
  simulator.reset();
  simulator.setOptions({ accessTokenSeconds: 3600, linkSeconds: 3600 });
});

// biome-ignore lint/suspicious/noExplicitAny: replies are asserted field by field
type Json = any;
type ResponseReader = { status: number; json: Json; headers: Headers };

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const SESSION = ";1764000000000";

async function call(url: string, headers: Record<string, string>, body?: unknown): Promise<ResponseReader> {
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(url, { ...init, redirect: "manual" });
  const text = await response.text();
  return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : text, headers: response.headers };
}

const labs = (path: string, secret: string, body?: unknown) =>
  call(`${simulator.flowLabsBaseUrl}/${path}`, secret ? { cookie: `a=b; __Secure-next-auth.session-token=${secret}` } : {}, body);
const api = (path: string, access: string, body?: unknown) =>
  call(`${simulator.flowApiBaseUrl}${path}`, { authorization: `Bearer ${access}` }, body);
const accessOf = async (secret: string) => (await labs("auth/session", secret)).json.access_token as string;

const imageRequest = (more: object = {}) => ({
  clientContext: { sessionId: SESSION, tool: "PINHOLE" },
  seed: 7,
  imageModelName: "GEM_PIX_2",
  imageAspectRatio: "IMAGE_ASPECT_RATIO_LANDSCAPE",
  structuredPrompt: { parts: [{ text: "a bridge" }] },
  imageInputs: [],
  ...more,
});
const draw = (access: string, ...requests: object[]) =>
  api("/projects/p1/flowMedia:batchGenerateImages", access, { useNewMedia: true, mediaGenerationContext: { batchId: "b" }, requests });

describe("a session", () => {
  test("gives an access token, its end and the user", async () => {
    const { status, json, headers } = await labs("auth/session", "ann");
    expect(status).toBe(200);
    expect(json).toMatchObject({ access_token: expect.stringMatching(/^ya29\./), user: { email: "ann@flow.example" } });
    expect(Date.parse(json.expires)).toBeGreaterThan(Date.now() + 3_500_000);
    expect(headers.get("set-cookie")).toBeNull();
  });

  test.each(["", "dead-1"])("%p is 200 without access_token", async (secret) => {
    expect(await labs("auth/session", secret)).toMatchObject({ status: 200, json: {} });
    expect((await labs("auth/session", secret)).json.access_token).toBeUndefined();
  });

  test("the fault dead kills any, rotate renews the cookie of the same account", async () => {
    simulator.setFaults("flow.session=dead:once,flow.session=rotate");
    expect((await labs("auth/session", "ann")).json.access_token).toBeUndefined();
    const { headers } = await labs("auth/session", "ann");
    const renewed = /session-token=([^;]+)/.exec(headers.get("set-cookie")!)![1]!;
    expect(renewed).toStartWith("ann~");
    expect((await labs("auth/session", renewed)).json.user.email).toBe("ann@flow.example");
    expect(Object.keys(simulator.counts().secrets)).toEqual(["ann"]);
  });

  test.each([
    ["ann", "PAYGATE_TIER_NOT_PAID", 100],
    ["pro-bob", "PAYGATE_TIER_ONE", 1000],
    ["cleo-ultra", "PAYGATE_TIER_TWO", 25000],
  ])("%s has the plan %s with %d credits", async (secret, userPaygateTier, credits) => {
    expect((await api("/credits", await accessOf(secret))).json).toEqual({ credits, userPaygateTier });
  });

  test("an access token ends when it said, and strangers get 401", async () => {
    simulator.setOptions({ accessTokenSeconds: 0 });
    for (const access of [await accessOf("ann"), "ya29.nonsense", ""]) {
      expect(await api("/credits", access)).toMatchObject({ status: 401, json: { error: { code: 401, status: "UNAUTHENTICATED" } } });
    }
  });
});

describe("projects", () => {
  test("are made, belong to their account, and go away", async () => {
    const made = await labs("trpc/project.createProject", "ann", { json: { projectTitle: "one", toolName: "PINHOLE" } });
    const { projectId } = made.json.result.data.json.result;
    expect(projectId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    const asBob = await api(`/projects/${projectId}/flowMedia:batchGenerateImages`, await accessOf("bob"), { requests: [imageRequest()] });
    expect(asBob.status).toBe(404);
    expect((await labs("trpc/project.deleteProject", "bob", { json: { projectToDeleteId: projectId } })).status).toBe(404);
    expect((await labs("trpc/project.deleteProject", "ann", { json: { projectToDeleteId: projectId } })).status).toBe(200);
  });

  test("need a session and a tool", async () => {
    expect((await labs("trpc/project.createProject", "", { json: { projectTitle: "one", toolName: "PINHOLE" } })).status).toBe(401);
    expect((await labs("trpc/project.createProject", "ann", { json: { projectTitle: "one" } })).status).toBe(400);
  });
});

describe("uploads", () => {
  const upload = (access: string, more: object = {}) =>
    api("/flow/uploadImage", access, {
      clientContext: { sessionId: SESSION, tool: "PINHOLE" },
      fileName: "a.png",
      imageBytes: PNG,
      isHidden: false,
      isUserUploaded: true,
      mimeType: "image/png",
      ...more,
    });

  test("the current form answers with a media name, the old one with a generation id", async () => {
    const access = await accessOf("ann");
    expect((await upload(access)).json.media.name).toMatch(/^[0-9a-f-]{36}$/);
    const old = await api(":uploadUserImage", access, {
      imageInput: { rawImageBytes: PNG, mimeType: "image/png", isUserUploaded: true, aspectRatio: "IMAGE_ASPECT_RATIO_LANDSCAPE" },
      clientContext: { sessionId: SESSION, tool: "ASSET_MANAGER" },
    });
    expect(old.json.mediaGenerationId.mediaGenerationId).toStartWith("CAM");
  });

  test.each([
    ["a data URL", { imageBytes: `data:image/png;base64,${PNG}` }],
    ["bytes that are no picture", { imageBytes: "aGVsbG8=" }],
    ["another tool", { clientContext: { sessionId: SESSION, tool: "OTHER" } }],
    ["no session id", { clientContext: { tool: "PINHOLE" } }],
    ["no type", { mimeType: undefined }],
  ])("%s is 400", async (_, more) => {
    expect((await upload(await accessOf("ann"), more)).status).toBe(400);
  });

  test("change the image made from them, and are not for other accounts", async () => {
    const access = await accessOf("ann");
    const { name } = (await upload(access)).json.media;
    const imageInputs = [{ name, imageInputType: "IMAGE_INPUT_TYPE_REFERENCE" }];
    const bytes = async (response: ResponseReader) =>
      Bun.hash(await (await fetch(response.json.media[0].image.generatedImage.fifeUrl)).arrayBuffer());
    expect(await bytes(await draw(access, imageRequest({ imageInputs })))).not.toBe(await bytes(await draw(access, imageRequest())));
    expect((await draw(await accessOf("bob"), imageRequest({ imageInputs }))).status).toBe(404);
  });
});

describe("images", () => {
  test.each([
    ["GEM_PIX_2", "IMAGE_ASPECT_RATIO_LANDSCAPE", 1376, 768, "jpeg"],
    ["NARWHAL", "IMAGE_ASPECT_RATIO_PORTRAIT", 768, 1376, "jpeg"],
    ["GEM_PIX", "IMAGE_ASPECT_RATIO_SQUARE", 1024, 1024, "png"],
    ["IMAGEN_3_5", "IMAGE_ASPECT_RATIO_LANDSCAPE_FOUR_THREE", 1200, 896, "png"],
    ["GEM_PIX_2", "IMAGE_ASPECT_RATIO_PORTRAIT_THREE_FOUR", 896, 1200, "jpeg"],
  ])("%s %s is %d by %d behind a link without credentials", async (imageModelName, imageAspectRatio, width, height, format) => {
    const { json } = await draw(await accessOf("ann"), imageRequest({ imageModelName, imageAspectRatio }));
    const response = await fetch(json.media[0].image.generatedImage.fifeUrl);
    expect(response.headers.get("content-type")).toBe(`image/${format}`);
    expect(await new Bun.Image(await response.arrayBuffer()).metadata()).toMatchObject({ width, height, format });
  });

  test("the body of December 2025 works, and several requests give several media", async () => {
    const old = {
      clientContext: { sessionId: SESSION },
      seed: 1,
      imageModelName: "GEM_PIX",
      imageAspectRatio: "IMAGE_ASPECT_RATIO_SQUARE",
      prompt: "x",
      imageInputs: [],
    };
    const { json } = await api("/projects/p1/flowMedia:batchGenerateImages", await accessOf("ann"), { requests: [old, old, old] });
    expect(new Set(json.media.map((one: Json) => one.name)).size).toBe(3);
    expect(simulator.counts().operations["flow.image"]).toEqual({ requests: 1, accepted: 3, charged: 3 });
  });

  test.each([
    ["an unknown model", { imageModelName: "VEO" }],
    ["an unknown aspect", { imageAspectRatio: "16:9" }],
    ["no seed", { seed: undefined }],
    ["no prompt", { structuredPrompt: { parts: [] } }],
    ["a bad session id", { clientContext: { sessionId: "1764000000000" } }],
    ["a wrong input type", { imageInputs: [{ name: "x" }] }],
  ])("%s is 400 and costs nothing", async (_, more) => {
    const { status, json } = await draw(await accessOf("ann"), imageRequest(more));
    expect({ status, word: json.error.status }).toEqual({ status: 400, word: "INVALID_ARGUMENT" });
    expect(simulator.counts().total.accepted).toBe(0);
  });

  test("a link cannot be altered and ends", async () => {
    simulator.setOptions({ linkSeconds: 0 });
    const { json } = await draw(await accessOf("ann"), imageRequest());
    const link: string = json.media[0].image.generatedImage.fifeUrl;
    expect((await fetch(link)).status).toBe(400);
    expect((await fetch(link.replace(/Expires=\d+/, "Expires=9999999999"))).status).toBe(403);
  });

  test("are redirected to and read as base64 by their own account only", async () => {
    const access = await accessOf("ann");
    const { name } = (await draw(access, imageRequest())).json.media[0];
    const redirect = await labs(`trpc/media.getMediaUrlRedirect?name=${name}&mediaUrlType=MEDIA_URL_TYPE_FULL_MEDIA`, "ann");
    expect(redirect.status).toBe(307);
    const bytes = Buffer.from(await (await fetch(redirect.headers.get("location")!)).arrayBuffer());
    expect((await api(`/media/${name}`, access)).json.image.encodedImage).toBe(bytes.toString("base64"));
    expect((await labs(`trpc/media.getMediaUrlRedirect?name=${name}`, "bob")).status).toBe(404);
    expect((await api(`/media/${name}`, await accessOf("bob"))).status).toBe(404);
    await labs("trpc/media.deleteMedia", "ann", { json: { names: [name] } });
    expect((await api(`/media/${name}`, access)).status).toBe(404);
  });

  test("a download is counted and faulted by the account that it belongs to", async () => {
    const access = await accessOf("ann");
    const link: string = (await draw(access, imageRequest())).json.media[0].image.generatedImage.fifeUrl;
    simulator.setFaults("flow.download=503@ann");
    expect((await fetch(link)).status).toBe(503);
    simulator.setFaults("flow.download=503@bob");
    expect((await fetch(link)).status).toBe(200);
  });

  test("empty is 200 without media", async () => {
    simulator.setFaults("flow.image=empty");
    expect((await draw(await accessOf("ann"), imageRequest())).json).toEqual({ media: [] });
  });
});

describe("upscaling", () => {
  const upscale = (access: string, mediaId: string, targetResolution: string) =>
    api("/flow/upsampleImage", access, {
      mediaId,
      targetResolution,
      clientContext: { sessionId: SESSION, projectId: "p1", tool: "PINHOLE" },
    });

  test("2K is for everyone, 4K for the highest plan", async () => {
    for (const [secret, target, status, width] of [
      ["ann", "2K", 200, 2752],
      ["ann", "4K", 403, 0],
      ["pro-1", "4K", 403, 0],
      ["ultra-1", "4K", 200, 5504],
    ] as const) {
      const access = await accessOf(secret);
      const { name } = (await draw(access, imageRequest())).json.media[0];
      const response = await upscale(access, name, `UPSAMPLE_IMAGE_RESOLUTION_${target}`);
      expect(response.status).toBe(status);
      if (status === 200)
        expect(await new Bun.Image(Buffer.from(response.json.encodedImage, "base64")).metadata()).toMatchObject({ width, format: "jpeg" });
      else expect(response.json.error.details[0].reason).toBe("PUBLIC_ERROR_MODEL_ACCESS_DENIED");
    }
  });

  test("needs an image of this account and a known target", async () => {
    const access = await accessOf("ann");
    const { name } = (await draw(access, imageRequest())).json.media[0];
    expect((await upscale(access, "nothing", "UPSAMPLE_IMAGE_RESOLUTION_2K")).status).toBe(404);
    expect((await upscale(access, name, "8K")).status).toBe(400);
  });
});

describe("refusals", () => {
  test.each([
    ["verification", 403, "PERMISSION_DENIED", "PUBLIC_ERROR_UNUSUAL_ACTIVITY"],
    ["verification-traffic", 403, "PERMISSION_DENIED", "PUBLIC_ERROR_UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC"],
    ["verification-wrong", 403, "PERMISSION_DENIED", "PUBLIC_ERROR_SOMETHING_WENT_WRONG"],
    ["verification-nodetails", 403, "PERMISSION_DENIED", undefined],
    ["model-denied", 403, "PERMISSION_DENIED", "PUBLIC_ERROR_MODEL_ACCESS_DENIED"],
    ["quota", 429, "RESOURCE_EXHAUSTED", "PUBLIC_ERROR_USER_QUOTA_REACHED"],
    ["throttled", 429, "RESOURCE_EXHAUSTED", "PUBLIC_ERROR_USER_REQUESTS_THROTTLED"],
    ["429-nodetails", 429, "RESOURCE_EXHAUSTED", undefined],
    ["unsafe", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_UNSAFE_GENERATION"],
    ["sexual", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_SEXUAL"],
    ["minor", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_MINOR"],
    ["violence", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_VIOLENCE_FILTER"],
    ["danger", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_DANGER_FILTER"],
    ["prominent-people", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"],
    ["ip-input", 400, "INVALID_ARGUMENT", "PUBLIC_ERROR_IP_INPUT_IMAGE"],
    ["invalid", 400, "INVALID_ARGUMENT", undefined],
    ["high-traffic", 503, "UNAVAILABLE", "PUBLIC_ERROR_HIGH_TRAFFIC"],
    ["unauthorized", 401, "UNAUTHENTICATED", undefined],
    ["500", 500, "INTERNAL", undefined],
  ])("%s is %d %s with the reason %p", async (fault, status, word, reason) => {
    const access = await accessOf("ann");
    simulator.setFaults(`flow.image=${fault}@ann`);
    const response = await draw(access, imageRequest());
    expect(response.status).toBe(status);
    expect(response.json.error).toMatchObject({ code: status, status: word });
    expect(response.json.error.details?.[0].reason).toBe(reason);
    expect((await draw(await accessOf("bob"), imageRequest())).status).toBe(200);
  });

  test("lost: the image is charged, the reply never comes", async () => {
    const access = await accessOf("ann");
    simulator.setFaults("flow.image=lost:once");
    await expect(draw(access, imageRequest())).rejects.toThrow();
    expect(simulator.counts().secrets.ann).toMatchObject({ accepted: 1, charged: 1 });
  });
});

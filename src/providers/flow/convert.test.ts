// Bodies sent to Flow and responses read from it.
import { describe, expect, test } from "bun:test";
import {
  generateBody,
  parseCredits,
  parseEncodedImage,
  parseGenerated,
  parseProject,
  parseSession,
  parseUpload,
  projectBody,
  rotatedSecret,
  SESSION_COOKIE,
  sessionIdAt,
  uploadBody,
  upscaleBody,
} from "./convert.ts";
import ANSWERS from "./fixtures/answers.json" with { type: "json" };

const CONTEXT = { sessionId: ";1764000000000", projectId: "p-1", tool: "PINHOLE" };

describe("bodies", () => {
  test("a session id is a semicolon and milliseconds", () => expect(sessionIdAt(1764000000000)).toBe(";1764000000000"));

  test("a project is of Flow's front end", () => {
    expect(projectBody("x")).toEqual({ json: { projectTitle: "x", toolName: "PINHOLE" } });
  });

  test("a generation carries its context twice, its references in order, and no verification field", () => {
    const body = generateBody({
      sessionId: ";1764000000000",
      projectId: "p-1",
      batchId: "b-1",
      seed: 7,
      imageModelName: "NARWHAL",
      imageAspectRatio: "IMAGE_ASPECT_RATIO_SQUARE",
      prompt: "a cat",
      references: ["m-1", "m-2"],
    });
    expect(body).toEqual({
      clientContext: CONTEXT,
      mediaGenerationContext: { batchId: "b-1" },
      useNewMedia: true,
      requests: [
        {
          clientContext: CONTEXT,
          seed: 7,
          imageModelName: "NARWHAL",
          imageAspectRatio: "IMAGE_ASPECT_RATIO_SQUARE",
          structuredPrompt: { parts: [{ text: "a cat" }] },
          imageInputs: [
            { name: "m-1", imageInputType: "IMAGE_INPUT_TYPE_REFERENCE" },
            { name: "m-2", imageInputType: "IMAGE_INPUT_TYPE_REFERENCE" },
          ],
        },
      ],
    });
    expect(JSON.stringify(body)).not.toMatch(/recaptcha/i);
  });

  test("an upscale names the plan only when it is known", () => {
    const input = { sessionId: CONTEXT.sessionId, projectId: "p-1", mediaId: "m-1", targetResolution: "UPSAMPLE_IMAGE_RESOLUTION_4K" };
    const known = { ...CONTEXT, userPaygateTier: "PAYGATE_TIER_TWO" };
    const base = { mediaId: "m-1", targetResolution: "UPSAMPLE_IMAGE_RESOLUTION_4K" };
    expect(upscaleBody({ ...input, tier: 2 })).toEqual({ ...base, clientContext: known });
    expect(upscaleBody({ ...input, tier: undefined })).toEqual({ ...base, clientContext: CONTEXT });
  });

  for (const size of [0, 1, 2, 3, 196_607, 196_608, 196_609, 400_000]) {
    test(`an upload of ${size} bytes is the JSON of its base64`, async () => {
      const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31) % 256);
      const body = await uploadBody({
        sessionId: ";1",
        projectId: "p-1",
        fileName: 'a "b".png',
        mime: "image/png",
        data: new Blob([bytes]),
      });
      expect(JSON.parse(new TextDecoder().decode(body))).toEqual({
        clientContext: { sessionId: ";1", tool: "PINHOLE", projectId: "p-1" },
        fileName: 'a "b".png',
        isHidden: false,
        isUserUploaded: true,
        mimeType: "image/png",
        imageBytes: bytes.toBase64(),
      });
    });
  }
});

describe("answers", () => {
  test("a session", () => {
    const expiresAt = Date.UTC(2026, 10, 24, 10);
    expect(parseSession(ANSWERS.session)).toEqual({ accessToken: "ya29.invented", expiresAt, email: "ada@example.com" });
  });
  test("a session without end and name keeps both unknown", () => {
    expect(parseSession({ access_token: "ya29.a", expires: "soon", user: null })).toEqual({ accessToken: "ya29.a" });
  });
  for (const body of [ANSWERS.sessionDead, null, { user: { email: "a@b.c" } }, { access_token: "" }]) {
    test(`${JSON.stringify(body)} is a dead session`, () => expect(parseSession(body)).toBe("dead"));
  }
  for (const body of ["<html>", 7, [], true, { access_token: "a\nb" }]) {
    test(`${JSON.stringify(body)} is no session at all`, () => expect(parseSession(body)).toBe("malformed"));
  }

  test("credits and plan", () => expect(parseCredits(ANSWERS.credits)).toEqual({ credits: 950, tier: 1 }));
  test("what is missing or of another type stays unknown", () => {
    expect(parseCredits({})).toEqual({});
    expect(parseCredits({ credits: "950", userPaygateTier: "PAYGATE_TIER_NINE" })).toEqual({});
    expect(parseCredits({ credits: 0, userPaygateTier: "PAYGATE_TIER_NOT_PAID" })).toEqual({ credits: 0, tier: 0 });
  });

  test("a project", () => expect(parseProject(ANSWERS.project)).toBe("6f1c2f64-5f4d-4f0e-9f5b-0c6f6a6c7e01"));

  test("an upload in its three forms", () => {
    expect(parseUpload(ANSWERS.uploadObject)).toBe("9b1c0b0e-6c7b-4a6e-8f0a-5d5b9e4b1c11");
    expect(parseUpload(ANSWERS.uploadArray)).toBe("9b1c0b0e-6c7b-4a6e-8f0a-5d5b9e4b1c12");
    expect(parseUpload(ANSWERS.uploadOlder)).toBe("CAMaJDliMWMwYjBl");
    expect(parseUpload({ media: [] })).toBeUndefined();
  });

  test("a generated image, with or without its link", () => {
    expect((parseGenerated(ANSWERS.generated) as { url: string }).url).toStartWith("https://storage.googleapis.com/");
    expect(parseGenerated({ media: [{ name: "m-1" }] })).toEqual({ mediaId: "m-1" });
    expect(parseGenerated({ media: [] })).toBeNull();
    expect(parseGenerated({})).toBeNull();
    for (const body of ["text", 7, null, [], [{ name: "m-1" }], { media: "m-1" }, { media: [{}] }, { media: [null] }])
      expect(parseGenerated(body)).toBe("malformed");
  });

  test("an encoded image of either response", () => {
    expect(parseEncodedImage(ANSWERS.upscaled)).toBe("/9j/4AAQSkZJRg==");
    expect(parseEncodedImage(ANSWERS.mediaBytes)).toBe("iVBORw0KGgo=");
    expect(parseEncodedImage({})).toBeUndefined();
  });
});

describe("a rotated session cookie", () => {
  const flags = "; Path=/; Expires=Wed, 23 Dec 2026 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax";
  const cases: [string, string[], string | null][] = [
    ["is taken from its own line", ["other=1; Path=/", `${SESSION_COOKIE}=new=value${flags}`], "new=value"],
    ["is joined from its pieces", [`${SESSION_COOKIE}.1=two${flags}`, `${SESSION_COOKIE}.0=one${flags}`], "onetwo"],
    ["is not an emptied one", [`${SESSION_COOKIE}=; Max-Age=0${flags}`], null],
    ["is not one of a similar name", [`${SESSION_COOKIE}-old=x${flags}`, `x${SESSION_COOKIE}=y`, "junk"], null],
    ["is absent when nothing is set", [], null],
  ];
  for (const [name, lines, expected] of cases) test(name, () => expect(rotatedSecret(lines)).toBe(expected));
});

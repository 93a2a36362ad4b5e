// Bodies that Flow is sent and what its responses hold. Pure. Source: reference of the Flow wire, section 3, read 2026-11-23.
import type { Tier } from "../../domain/generation.ts";
import { encodeBody } from "../encode-body.ts";
import { isRecord } from "../json-value.ts";
import { at, textAt } from "./json.ts";
import { PAYGATE_TIERS } from "./models.ts";

/** The front end of Labs that is called Flow. */
export const TOOL = "PINHOLE";

export const SESSION_COOKIE = "__Secure-next-auth.session-token";

/** `sessionId` of a client context: a semicolon and epoch ms. One generation and its upscale share it. */
export function sessionIdAt(now: number): string {
  return `;${now}`;
}

export function projectBody(title: string): object {
  return { json: { projectTitle: title, toolName: TOOL } };
}

export type GenerateInput = {
  sessionId: string;
  projectId: string;
  batchId: string;
  /** 1 to 999,999. */
  seed: number;
  imageModelName: string;
  imageAspectRatio: string;
  prompt: string;
  /** Media ids of uploaded images, in order. */
  references: readonly string[];
};

/** `flowMedia:batchGenerateImages` for one image. The field for a verification token is left out: there is none. */
export function generateBody(input: GenerateInput): object {
  const clientContext = { sessionId: input.sessionId, projectId: input.projectId, tool: TOOL };
  return {
    clientContext,
    mediaGenerationContext: { batchId: input.batchId },
    useNewMedia: true,
    requests: [
      {
        clientContext,
        seed: input.seed,
        imageModelName: input.imageModelName,
        imageAspectRatio: input.imageAspectRatio,
        structuredPrompt: { parts: [{ text: input.prompt }] },
        imageInputs: input.references.map((name) => ({ name, imageInputType: "IMAGE_INPUT_TYPE_REFERENCE" })),
      },
    ],
  };
}

/** `flow/upsampleImage`. An unknown plan is left out. */
export function upscaleBody(input: {
  sessionId: string;
  projectId: string;
  mediaId: string;
  targetResolution: string;
  tier: Tier | undefined;
}): object {
  return {
    mediaId: input.mediaId,
    targetResolution: input.targetResolution,
    clientContext: {
      sessionId: input.sessionId,
      projectId: input.projectId,
      tool: TOOL,
      ...(input.tier === undefined ? {} : { userPaygateTier: PAYGATE_TIERS[input.tier] }),
    },
  };
}

/** `flow/uploadImage` as bytes: the image is encoded slice by slice, never held twice. */
export function uploadBody(input: {
  sessionId: string;
  projectId: string;
  fileName: string;
  mime: string;
  data: Blob;
}): Promise<Uint8Array> {
  return encodeBody({
    clientContext: { sessionId: input.sessionId, tool: TOOL, projectId: input.projectId },
    fileName: input.fileName,
    isHidden: false,
    isUserUploaded: true,
    mimeType: input.mime,
    imageBytes: input.data,
  });
}

export type ParsedSession = {
  accessToken: string;
  /** Epoch ms; absent when not reported. */
  expiresAt?: number;
  email?: string;
};

/** `auth/session`. A signed-out session answers 200 with `{}` or `null`: `dead`. Anything but JSON objects is `malformed`. */
export function parseSession(body: unknown): ParsedSession | "dead" | "malformed" {
  if (body !== null && !isRecord(body)) return "malformed";
  const accessToken = textAt(body, "access_token");
  if (!accessToken) return "dead";
  // What cannot stand in a header would come back in the runtime's own error text.
  if (!/^[\x21-\x7e]+$/.test(accessToken)) return "malformed";
  const expiresAt = Date.parse(textAt(body, "expires") ?? "");
  const email = textAt(body, "user", "email");
  return { accessToken, ...(Number.isNaN(expiresAt) ? {} : { expiresAt }), ...(email ? { email } : {}) };
}

/** The session cookie that a response sets again, or null. Long values come in numbered pieces; an emptied cookie is no rotation. */
export function rotatedSecret(setCookies: readonly string[]): string | null {
  const pieces: string[] = [];
  for (const line of setCookies) {
    const [pair = ""] = line.split(";", 1);
    const equals = pair.indexOf("=");
    const index = pieceIndex(pair.slice(0, equals).trim());
    if (index !== null) pieces[index] = pair.slice(equals + 1).trim();
  }
  return pieces.join("") || null;
}

/** 0 for the session cookie, n for its piece `.n`, null for any other cookie. */
function pieceIndex(name: string): number | null {
  if (name === SESSION_COOKIE) return 0;
  const suffix = name.startsWith(`${SESSION_COOKIE}.`) ? name.slice(SESSION_COOKIE.length + 1) : "";
  return /^\d$/.test(suffix) ? Number(suffix) : null;
}

/** `credits`. Fields that are missing or of another type are left out. */
export function parseCredits(body: unknown): { credits?: number; tier?: Tier } {
  const credits = at(body, "credits");
  const tier = PAYGATE_TIERS.indexOf(at(body, "userPaygateTier") as (typeof PAYGATE_TIERS)[number]);
  return {
    ...(typeof credits === "number" && Number.isFinite(credits) ? { credits } : {}),
    ...(tier < 0 ? {} : { tier: tier as Tier }),
  };
}

/** `trpc/project.createProject`: the project id. */
export function parseProject(body: unknown): string | undefined {
  return textAt(body, "result", "data", "json", "result", "projectId");
}

/** `flow/uploadImage`: the media id, from the present response (`media` an object or an array) or the older one. */
export function parseUpload(body: unknown): string | undefined {
  return textAt(body, "media", "name") ?? textAt(body, "media", 0, "name") ?? textAt(body, "mediaGenerationId", "mediaGenerationId");
}

/** `flowMedia:batchGenerateImages`: the media id and its signed link, null when nothing was made, `malformed` when it does not say. */
export function parseGenerated(body: unknown): { mediaId?: string; url?: string } | "malformed" | null {
  if (!isRecord(body)) return "malformed";
  const media = at(body, "media") ?? [];
  if (!Array.isArray(media)) return "malformed";
  if (media.length === 0) return null;
  const mediaId = textAt(body, "media", 0, "name");
  const url = textAt(body, "media", 0, "image", "generatedImage", "fifeUrl");
  return mediaId === undefined && url === undefined ? "malformed" : { mediaId, url };
}

/** `flow/upsampleImage` and `media/{id}`: the base64 of the image, wherever the response has it. */
export function parseEncodedImage(body: unknown): string | undefined {
  return textAt(body, "encodedImage") ?? textAt(body, "image", "encodedImage") ?? textAt(body, "image", "generatedImage", "encodedImage");
}

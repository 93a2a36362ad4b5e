// Google Labs Flow as a provider: images by session, project, references, one generating call, upscale, download; videos beside them.

import type { ImageFinish, TempFile } from "../../domain/generation.ts";
import { AppError, asCharged } from "../../errors.ts";
import { afterAcceptance, damaged } from "../json-stream.ts";
import type { CallContext, ImageSink, Provider, ProviderToken, TokenFacts } from "../provider.ts";
import { createConcatenation } from "./concatenation.ts";
import { generateBody, parseCredits, parseGenerated, sessionIdAt, upscaleBody } from "./convert.ts";
import { createFiles, decodeFile, IMAGE_FILE } from "./files.ts";
import { tierOf } from "./models.ts";
import { createProjects } from "./project.ts";
import { type ImageSpec, imageSpecOf, MAX_SEED } from "./prompt.ts";
import { fetchImage } from "./result.ts";
import { createSessions } from "./session.ts";
import { createTransport, type FlowOptions, readResponse } from "./transport.ts";
import { createUploads } from "./uploads.ts";
import { createVideoDownload } from "./video-download.ts";
import { createVideoStatus } from "./video-status.ts";
import { createVideos } from "./videos.ts";

export type { FlowOptions } from "./transport.ts";

const CREDITS_LIMIT_MS = 15_000;
/** A check is never asked for sooner than this, however short an access token lives. */
const LEAST_RENEWAL_MS = 60_000;

/** What a generating call made: nothing (a refusal with HTTP 200), or an image in Flow's store. */
type Made = { sessionId: string; projectId: string; renderedImage: { mediaId?: string; url?: string } | null };

/** The adapter for Flow. One per process: it shares sessions, projects and uploads between calls. */
export function createFlow(options: FlowOptions): Provider {
  const transport = createTransport(options);
  const sessions = createSessions(transport, options);
  const projects = createProjects(transport, sessions);
  const uploads = createUploads(transport, sessions, options);
  const files = createFiles(transport, sessions, options);
  const concatenation = createConcatenation(transport, sessions);
  const askStatus = createVideoStatus(transport, sessions);
  const videos = createVideos({ transport, sessions, projects, uploads, concatenation, askStatus }, options);
  const downloadVideo = createVideoDownload({ files, concatenation, askStatus });

  const check = async (token: ProviderToken, call: CallContext): Promise<TokenFacts> => {
    await sessions.renew(token, call);
    const { proxy } = token;
    return sessions.use(token, call, async ({ accessToken, identity, renewAt, endTold }) => {
      const request = { operation: "credits", path: "credits", auth: { accessToken }, proxy, signal: call.signal } as const;
      const { credits, tier } = parseCredits((await transport.ask({ ...request, limitMs: CREDITS_LIMIT_MS })).body);
      if (tier !== undefined) await call.remember({ state: { tier } });
      return {
        families: [...options.models.assumed()],
        ...(identity === undefined ? {} : { identity }),
        ...(tier === undefined ? {} : { tier }),
        ...(credits === undefined ? {} : { credits }),
        ...(endTold ? { renewBefore: Math.max(renewAt, options.now() + LEAST_RENEWAL_MS) } : {}),
      };
    });
  };

  /** The one call that costs. It is repeated only after an answer that refused it: 401 with a renewed session. */
  const submit = async (
    plan: ImageSpec,
    projectId: string,
    references: string[],
    token: ProviderToken,
    call: CallContext,
  ): Promise<Made> => {
    const sessionId = sessionIdAt(options.now());
    const body = generateBody({
      sessionId,
      projectId,
      batchId: crypto.randomUUID(),
      seed: plan.seed ?? 1 + Math.floor(options.random() * MAX_SEED),
      imageModelName: plan.imageModelName,
      imageAspectRatio: plan.imageAspectRatio,
      prompt: plan.prompt,
      references,
    });
    const path = `projects/${encodeURIComponent(projectId)}/flowMedia:batchGenerateImages`;
    const { proxy } = token;
    const { signal } = call;
    const response = await sessions.use(token, call, ({ accessToken }) =>
      transport.open({ operation: "generate", path, auth: { accessToken }, body, proxy, signal }),
    );
    try {
      const renderedImage = parseGenerated(await readResponse(response, signal));
      if (renderedImage === "malformed") throw damaged("malformed", "Flow's answer does not say what was generated.");
      return { sessionId, projectId, renderedImage };
    } catch (error) {
      throw paid(error);
    }
  };

  /** Uploads and submits in the token's project; when Flow does not know the project, once more in a fresh one. */
  const make = async (plan: ImageSpec, token: ProviderToken, call: CallContext, sink: ImageSink): Promise<Made> => {
    let projectId = await projects.current(token, call);
    let submitted = false;
    for (let isFresh = false; ; isFresh = true) {
      let references: string[] = [];
      try {
        references = await uploads.place(plan.references, { projectId, token, call }, (index, total) => sink.onUpload(index, total));
        await sessions.current(token, call);
        if (!submitted) {
          sink.onStage("generating");
          await sink.onSubmit();
          submitted = true;
        }
        return await submit(plan, projectId, references, token, call);
      } catch (error) {
        if (error instanceof AppError && error.kind === "upstream_invalid") uploads.forget(references);
        if (isFresh || !(error instanceof AppError) || error.upstreamStatus !== 404) throw error;
      }
      projectId = await projects.replace(token, call, projectId);
    }
  };

  const upscale = async (
    made: Made,
    mediaId: string,
    targetResolution: string,
    token: ProviderToken,
    call: CallContext,
  ): Promise<TempFile> => {
    const { sessionId, projectId } = made;
    const body = upscaleBody({ sessionId, projectId, mediaId, targetResolution, tier: tierOf(token.state.tier) });
    const { proxy } = token;
    const { signal } = call;
    const order = () =>
      sessions.use(token, call, ({ accessToken }) =>
        transport.open({ operation: "upscale", path: "flow/upsampleImage", auth: { accessToken }, body, proxy, signal }),
      );
    const response = await order().catch((error) => {
      // An answered refusal made nothing: one more try is worth an image that is paid already.
      if (error instanceof AppError && error.kind === "upstream_unavailable") return order();
      throw error;
    });
    return decodeFile(response, IMAGE_FILE, call, signal);
  };

  const generateImages: Provider["generateImages"] = async (request, token, call, sink): Promise<ImageFinish> => {
    const plan = imageSpecOf(request, options.models);
    const made = await make(plan, token, call, sink);
    if (!made.renderedImage) return { finish: "no_image", upstreamReason: "NO_IMAGE", usage: null };
    const { mediaId } = made.renderedImage;
    const target = plan.targetResolution;
    sink.onStage(target ? "upscaling" : "downloading");
    let file: TempFile;
    try {
      if (target && !mediaId) throw new AppError("upstream_unknown_outcome", "Flow made a picture that cannot be upscaled.");
      file =
        target && mediaId ? await upscale(made, mediaId, target, token, call) : await fetchImage(files, made.renderedImage, token, call);
    } catch (error) {
      throw paid(error);
    }
    await sink.onImage(file, false);
    return { finish: "stop", upstreamReason: "STOP", usage: null };
  };

  return { name: "flow", check, generateImages, ...videos, downloadVideo };
}

/** Whatever goes wrong once Flow has made the image, it is paid. */
function paid(error: unknown): unknown {
  const accepted = afterAcceptance(error);
  return accepted instanceof AppError ? asCharged(accepted) : accepted;
}

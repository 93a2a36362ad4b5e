// Google Labs Flow as a provider: images by session, project, references, one generating call, upscale, download; videos beside them.

import type { ImageFinish, ImageRequest, TempFile } from "../../domain/generation.ts";
import { AppError, asCharged } from "../../errors.ts";
import { afterAcceptance, damaged } from "../json-stream.ts";
import type { CallContext, ImageSink, Provider, ProviderToken, TokenFacts } from "../provider.ts";
import { createConcatenation } from "./concatenation.ts";
import { generateBody, parseCredits, parseGenerated, sessionIdAt, upscaleBody } from "./convert.ts";
import { createFiles, decodeFile, type Files, IMAGE_FILE } from "./files.ts";
import { tierOf } from "./models.ts";
import { createProjects, type Projects } from "./project.ts";
import { type ImageSpec, imageSpecOf, MAX_SEED } from "./prompt.ts";
import { fetchImage } from "./result.ts";
import { Sessions } from "./session.ts";
import { createTransport, type FlowOptions, readResponse, type Transport } from "./transport.ts";
import { createUploads, type Uploads } from "./uploads.ts";
import { createVideoDownload } from "./video-download.ts";
import { createVideoStatus } from "./video-status.ts";
import { FlowVideos } from "./videos.ts";

export type { FlowOptions } from "./transport.ts";

const CREDITS_LIMIT_MS = 15_000;
/** A check is never asked for sooner than this, however short an access token lives. */
const LEAST_RENEWAL_MS = 60_000;

/** What a generating call made: nothing (a refusal with HTTP 200), or an image in Flow's store. */
type Made = { sessionId: string; projectId: string; renderedImage: { mediaId?: string; url?: string } | null };

/** One generating call: the references are uploaded to the project. */
type Submission = { plan: ImageSpec; projectId: string; references: string[]; token: ProviderToken; call: CallContext };

type Parts = { transport: Transport; sessions: Sessions; projects: Projects; uploads: Uploads; files: Files; options: FlowOptions };

/** The adapter for Flow. One per process: it shares sessions, projects and uploads between calls. */
export function createFlow(options: FlowOptions): Provider {
  const transport = createTransport(options);
  const sessions = new Sessions(transport, options);
  const projects = createProjects(transport, sessions);
  const uploads = createUploads(transport, sessions, options);
  const files = createFiles(transport, sessions, options);
  const concatenation = createConcatenation(transport, sessions);
  const askStatus = createVideoStatus(transport, sessions);
  const images = new FlowImages({ transport, sessions, projects, uploads, files, options });
  const videos = new FlowVideos({ transport, sessions, projects, uploads, concatenation, askStatus, options });
  return {
    name: "flow",
    check: (token, call) => checkToken({ transport, sessions, options }, token, call),
    generateImages: (request, token, call, sink) => images.generate(request, token, call, sink),
    startVideo: (request, token, call, onSubmit) => videos.start(request, token, call, onSubmit),
    continueVideo: (step, token, call, onSubmit) => videos.continue(step, token, call, onSubmit),
    pollVideo: (operation, token, call) => videos.poll(operation, token, call),
    // Flow has no call that stops a video.
    cancelVideo: async () => false,
    downloadVideo: createVideoDownload({ files, concatenation, askStatus }),
  };
}

async function checkToken(
  { transport, sessions, options }: Pick<Parts, "transport" | "sessions" | "options">,
  token: ProviderToken,
  call: CallContext,
): Promise<TokenFacts> {
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
}

/** Images of Flow: references uploaded, one generating call, upscale, download. */
class FlowImages {
  constructor(private readonly parts: Parts) {}

  /** The one call that costs. It is repeated only after a response that refused it: 401 with a renewed session. */
  private async submit({ plan, projectId, references, token, call }: Submission): Promise<Made> {
    const sessionId = sessionIdAt(this.parts.options.now());
    const body = generateBody({
      sessionId,
      projectId,
      batchId: crypto.randomUUID(),
      seed: plan.seed ?? 1 + Math.floor(this.parts.options.random() * MAX_SEED),
      imageModelName: plan.imageModelName,
      imageAspectRatio: plan.imageAspectRatio,
      prompt: plan.prompt,
      references,
    });
    const path = `projects/${encodeURIComponent(projectId)}/flowMedia:batchGenerateImages`;
    const { proxy } = token;
    const { signal } = call;
    const response = await this.parts.sessions.use(token, call, ({ accessToken }) =>
      this.parts.transport.open({ operation: "generate", path, auth: { accessToken }, body, proxy, signal }),
    );
    try {
      const renderedImage = parseGenerated(await readResponse(response, signal));
      if (renderedImage === "malformed") throw damaged("malformed", "Flow's answer does not say what was generated.");
      return { sessionId, projectId, renderedImage };
    } catch (error) {
      throw paid(error);
    }
  }

  /** Uploads and submits in the token's project; when Flow does not know the project, once more in a fresh one. */
  private async make(plan: ImageSpec, token: ProviderToken, call: CallContext, sink: ImageSink): Promise<Made> {
    let projectId = await this.parts.projects.current(token, call);
    let submitted = false;
    for (let isFresh = false; ; isFresh = true) {
      let references: string[] = [];
      try {
        const target = { projectId, token, call };
        references = await this.parts.uploads.place(plan.references, target, (index, total) => sink.onUpload(index, total));
        await this.parts.sessions.current(token, call);
        if (!submitted) {
          sink.onStage("generating");
          await sink.onSubmit();
          submitted = true;
        }
        return await this.submit({ plan, projectId, references, token, call });
      } catch (error) {
        if (error instanceof AppError && error.kind === "upstream_invalid") this.parts.uploads.forget(references);
        if (isFresh || !(error instanceof AppError) || error.upstreamStatus !== 404) throw error;
      }
      projectId = await this.parts.projects.replace(token, call, projectId);
    }
  }

  private async upscale(
    { sessionId, projectId }: Made,
    { mediaId, targetResolution }: { mediaId: string; targetResolution: string },
    token: ProviderToken,
    call: CallContext,
  ): Promise<TempFile> {
    const body = upscaleBody({ sessionId, projectId, mediaId, targetResolution, tier: tierOf(token.state.tier) });
    const { proxy } = token;
    const { signal } = call;
    const order = () =>
      this.parts.sessions.use(token, call, ({ accessToken }) =>
        this.parts.transport.open({ operation: "upscale", path: "flow/upsampleImage", auth: { accessToken }, body, proxy, signal }),
      );
    const response = await order().catch((error) => {
      // An answered refusal made nothing: one more try is worth an image that is paid already.
      if (error instanceof AppError && error.kind === "upstream_unavailable") return order();
      throw error;
    });
    return decodeFile(response, IMAGE_FILE, call);
  }

  async generate(request: ImageRequest, token: ProviderToken, call: CallContext, sink: ImageSink): Promise<ImageFinish> {
    const plan = imageSpecOf(request, this.parts.options.models);
    const made = await this.make(plan, token, call, sink);
    if (!made.renderedImage) return { finish: "no_image", upstreamReason: "NO_IMAGE", usage: null };
    const { mediaId } = made.renderedImage;
    const target = plan.targetResolution;
    sink.onStage(target ? "upscaling" : "downloading");
    let file: TempFile;
    try {
      if (target && !mediaId) throw new AppError("upstream_unknown_outcome", "Flow made an image that cannot be upscaled.");
      file =
        target && mediaId
          ? await this.upscale(made, { mediaId, targetResolution: target }, token, call)
          : await fetchImage(this.parts.files, made.renderedImage, token, call);
    } catch (error) {
      throw paid(error);
    }
    await sink.onImage(file, false);
    return { finish: "stop", upstreamReason: "STOP", usage: null };
  }
}

/** Whatever goes wrong once Flow has made the image, it is paid. */
function paid(error: unknown): unknown {
  const accepted = afterAcceptance(error);
  return accepted instanceof AppError ? asCharged(accepted) : accepted;
}

// Videos over Flow: one paid submission for each stage, status, and what comes after a stage or in its place.
import type { Json, VideoRequest } from "../../domain/generation.ts";
import { AppError, asCharged } from "../../errors.ts";
import { newsWord, noNews, type ReportNews, shapeOf } from "../news.ts";
import type { CallContext, ProviderToken, VideoStatus } from "../provider.ts";
import type { Concatenation } from "./concatenation.ts";
import { sessionIdAt } from "./convert.ts";
import { classifyFailure, unknownFailureWords } from "./errors.ts";
import { type Finished, type Handle, type Running, readHandle, readStep, type Step, type Task, videoOf } from "./handle.ts";
import { tierOf } from "./models.ts";
import type { Projects } from "./project.ts";
import type { Sessions } from "./session.ts";
import { type FlowOptions, readResponse, type Transport, withLimit } from "./transport.ts";
import type { Uploads } from "./uploads.ts";
import { parseSubmitted, type VideoState, videoBody } from "./video-convert.ts";
import { ENDPOINTS, MAX_VIDEO_SEED, upscaleSpec, type VideoPlan, videoSpecOf } from "./video-plan.ts";
import type { AskStatus } from "./video-status.ts";

type Parts = {
  transport: Transport;
  sessions: Sessions;
  projects: Projects;
  uploads: Uploads;
  concatenation: Concatenation;
  askStatus: AskStatus;
  options: Pick<FlowOptions, "models" | "now" | "random" | "log" | "news">;
};

/** Called, and awaited, immediately before the call that may cost. */
type OnSubmit = () => Promise<void>;
/** One submission: the inputs are uploaded to the project under these names. */
type Submission = {
  plan: VideoPlan;
  projectId: string;
  names: readonly string[];
  token: ProviderToken;
  call: CallContext;
  onSubmit: OnSubmit;
};

const SUBMIT_LIMIT_MS = 120_000;
/** Refusals of a step that pass by themselves; after this many submissions the stage before it stands. */
const MAX_TRIES = 4;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
const PASSING = new Set(["network", "upstream_unavailable", "upstream_rate_limited", "upstream_unauthorized"]);

const LOST_WORDS: Record<Task["task"], string> = {
  upscale: "Flow made the video but could not upscale it: it comes in 720p.",
  concatenation: "Flow made the extension but could not join it with the video before it: it comes alone.",
};

export class FlowVideos {
  private readonly news: ReportNews;

  constructor(private readonly parts: Parts) {
    this.news = parts.options.news ?? noNews;
  }

  /** The one call that costs. It is repeated only after a response that refused it: 401 with a renewed session. */
  private async submit({ plan, projectId, names, token, call, onSubmit }: Submission): Promise<Pick<Running, "form" | "name" | "sceneId">> {
    const body = videoBody({
      sessionId: sessionIdAt(this.parts.options.now()),
      projectId,
      batchId: crypto.randomUUID(),
      plan: tierOf(token.state.tier),
      seed: plan.seed ?? 1 + Math.floor(this.parts.options.random() * MAX_VIDEO_SEED),
      videoModelKey: plan.videoModelKey,
      aspect: plan.aspect,
      prompt: plan.prompt,
      extras: plan.extras(names),
    });
    const tooLate = `Flow did not say within ${SUBMIT_LIMIT_MS / 1000} s whether it took the video.`;
    using limit = withLimit(call.signal, SUBMIT_LIMIT_MS, new AppError("upstream_timeout", tooLate, { charged: true }));
    const { signal } = limit;
    const path = ENDPOINTS[plan.endpoint];
    const response = await this.parts.sessions.use(token, call, async ({ accessToken }) => {
      await onSubmit();
      return this.parts.transport.open({ operation: "video", path, auth: { accessToken }, body, asText: true, proxy: token.proxy, signal });
    });
    return readHandleName(response, signal);
  }

  /** Uploads and submits; in the token's own project once more in a fresh one, when Flow does not know the project. */
  private async make(plan: VideoPlan, token: ProviderToken, call: CallContext, onSubmit: OnSubmit): Promise<Running> {
    const announce = once(onSubmit);
    let projectId = plan.projectId ?? (await this.parts.projects.current(token, call));
    for (let isFresh = plan.projectId !== null; ; isFresh = true) {
      let names: string[] = [];
      try {
        names = await this.parts.uploads.place(plan.images, { projectId, token, call });
        const submitted = await this.submit({ plan, projectId, names, token, call, onSubmit: announce });
        const { stage, aspect, tasks } = plan;
        const pieces = plan.piecesOf(submitted.name);
        return { stage, ...submitted, projectId, aspect, mediaId: submitted.name, pieces, tasks, earlier: null };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.kind === "upstream_invalid") this.parts.uploads.forget(names);
        if (error.upstreamStatus !== 404) throw error;
        if (plan.projectId !== null) throw lostSource(error);
        if (isFresh) throw error;
      }
      projectId = await this.parts.projects.replace(token, call, projectId);
    }
  }

  private async submitStep(step: Step, token: ProviderToken, call: CallContext, onSubmit: OnSubmit): Promise<Running> {
    const { task, from, tasks } = step;
    if (task.task === "upscale") {
      const made = await this.make(upscaleSpec(from, task.resolution), token, call, onSubmit);
      return { ...made, tasks, earlier: from };
    }
    const pieces = [...task.before, ...from.pieces];
    await this.parts.sessions.current(token, call);
    await onSubmit();
    const name = await this.parts.concatenation.submit(pieces, token, call);
    return { ...from, stage: "concatenation", form: "concatenation", name, mediaId: null, pieces, tasks, earlier: from };
  }

  /** A finished stage is paid: whatever refuses the next one, it is not lost. */
  private afterRefusal(step: Step, error: AppError): Handle {
    const { kind, charged, upstreamStatus } = error;
    const tries = step.tries + 1;
    if (PASSING.has(kind) && !charged && tries < MAX_TRIES) {
      const pauseMs = Math.max(FIRST_PAUSE_MS * 2 ** step.tries, error.retryAfterMs ?? 0);
      return { stage: "waiting", until: this.parts.options.now() + Math.min(pauseMs, LONGEST_PAUSE_MS), step: { ...step, tries } };
    }
    const missing = step.task.task;
    this.parts.options.log.warn("flow refused a further stage of a video; the stage before it stands", {
      missing,
      kind,
      status: upstreamStatus,
    });
    return { stage: "settled", ...step.from, missing };
  }

  /** What the response of one poll means for the job. */
  private conclude(handle: Running, status: VideoState): VideoStatus {
    if (status.state === "pending") {
      if (status.word !== "PENDING" && status.word !== "ACTIVE")
        this.news({ provider: "flow", kind: "job_status", word: newsWord(status.word), shape: "string" });
      return { state: "pending", progress: null };
    }
    if (status.state === "failed") {
      const error = classifyFailure(status.error);
      for (const word of unknownFailureWords(status.error))
        this.news({ provider: "flow", kind: "error_reason", word, shape: shapeOf(status.error) });
      if (!handle.earlier) return { state: "failed", error };
      const missing = handle.stage === "upscale" ? "upscale" : "concatenation";
      this.parts.options.log.warn("flow failed a further stage of a video; the stage before it stands", { missing, kind: error.kind });
      return finished({ ...handle.earlier, missing });
    }
    const video = withMediaId(handle, status.mediaId);
    const [task, ...tasks] = handle.tasks;
    return task ? { state: "next", step: { task, from: video, tasks, tries: 0 } } : finished({ ...video, missing: null });
  }

  async start(request: VideoRequest, token: ProviderToken, call: CallContext, onSubmit: OnSubmit): Promise<{ operation: Json }> {
    const plan = videoSpecOf(request, { plan: tierOf(token.state.tier), models: this.parts.options.models });
    return { operation: await this.make(plan, token, call, onSubmit) };
  }

  async continue(json: Json, token: ProviderToken, call: CallContext, onSubmit: OnSubmit): Promise<{ operation: Json }> {
    const step = readStep(json);
    try {
      return { operation: await this.submitStep(step, token, call, onSubmit) };
    } catch (error) {
      if (!(error instanceof AppError) || call.signal.aborted) throw error;
      return { operation: this.afterRefusal(step, error) };
    }
  }

  async poll(operation: Json, token: ProviderToken, call: CallContext): Promise<VideoStatus> {
    const handle = readHandle(operation);
    if (handle.stage === "settled") return finished({ ...videoOf(handle), missing: handle.missing });
    if (handle.stage === "waiting")
      return this.parts.options.now() < handle.until ? { state: "pending", progress: null } : { state: "next", step: handle.step };
    const isJoined = handle.form === "concatenation";
    return this.conclude(
      handle,
      await (isJoined ? this.parts.concatenation.status(handle.name, token, call) : this.parts.askStatus(handle, token, call)),
    );
  }
}

/** The handle out of a response that took the video. @throws {AppError} `upstream_unknown_outcome`: it runs, and we do not know its name */
async function readHandleName(response: Response, signal: AbortSignal): Promise<Pick<Running, "form" | "name" | "sceneId">> {
  let cause: unknown;
  try {
    const submitted = parseSubmitted(await readResponse(response, signal));
    if (submitted) return submitted;
  } catch (error) {
    if (signal.aborted && error instanceof AppError) throw asCharged(error);
    cause = error;
  }
  throw new AppError("upstream_unknown_outcome", "Flow took the video but did not say under what name.", { charged: true, cause });
}

/** The older form names the finished video otherwise than the operation that made it. */
function withMediaId(handle: Running, reported: string | undefined) {
  const mediaId = handle.mediaId && (reported ?? handle.mediaId);
  const pieces = handle.pieces.map((piece) => (mediaId && piece.name === handle.name ? { ...piece, name: mediaId } : piece));
  return videoOf({ ...handle, mediaId, pieces });
}

function finished(result: Finished): VideoStatus {
  return { state: "done", result, usage: null, ...(result.missing ? { note: LOST_WORDS[result.missing] } : {}) };
}

function lostSource(cause: AppError): AppError {
  const detail = { scope: "request", reason: "malformed" } as const;
  const { upstreamStatus } = cause;
  return new AppError("upstream_invalid", "Flow does not have the video any more that this starts from.", {
    detail,
    upstreamStatus,
    cause,
  });
}

function once(task: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= task();
    return done;
  };
}

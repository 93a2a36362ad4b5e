// Videos over Flow: one paid submission for each stage, status, and what comes after a stage or in its place.
import { AppError, asCharged } from "../../errors.ts";
import { newsWord, noNews, shapeOf } from "../news.ts";
import type { CallContext, Provider, ProviderToken, VideoStatus } from "../provider.ts";
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
};
export type Videos = Pick<Provider, "startVideo" | "continueVideo" | "pollVideo" | "cancelVideo">;

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

export function createVideos(parts: Parts, options: Pick<FlowOptions, "models" | "now" | "random" | "log" | "news">): Videos {
  const { transport, sessions, projects, uploads, concatenation, askStatus } = parts;
  const { now, random, log, news = noNews } = options;

  /** The one call that costs. It is repeated only after an answer that refused it: 401 with a renewed session. */
  const submit = async (
    plan: VideoPlan,
    projectId: string,
    names: readonly string[],
    token: ProviderToken,
    call: CallContext,
    onSubmit: () => Promise<void>,
  ): Promise<Pick<Running, "form" | "name" | "sceneId">> => {
    const body = videoBody({
      sessionId: sessionIdAt(now()),
      projectId,
      batchId: crypto.randomUUID(),
      plan: tierOf(token.state.tier),
      seed: plan.seed ?? 1 + Math.floor(random() * MAX_VIDEO_SEED),
      videoModelKey: plan.videoModelKey,
      aspect: plan.aspect,
      prompt: plan.prompt,
      extras: plan.extras(names),
    });
    const tooLate = `Flow did not say within ${SUBMIT_LIMIT_MS / 1000} s whether it took the video.`;
    using limit = withLimit(call.signal, SUBMIT_LIMIT_MS, new AppError("upstream_timeout", tooLate, { charged: true }));
    const { signal } = limit;
    const path = ENDPOINTS[plan.endpoint];
    const response = await sessions.use(token, call, async ({ accessToken }) => {
      await onSubmit();
      return transport.open({ operation: "video", path, auth: { accessToken }, body, asText: true, proxy: token.proxy, signal });
    });
    return readHandleName(response, signal);
  };

  /** Uploads and submits; in the token's own project once more in a fresh one, when Flow does not know the project. */
  const make = async (plan: VideoPlan, token: ProviderToken, call: CallContext, onSubmit: () => Promise<void>): Promise<Running> => {
    const announce = once(onSubmit);
    let projectId = plan.projectId ?? (await projects.current(token, call));
    for (let isFresh = plan.projectId !== null; ; isFresh = true) {
      let names: string[] = [];
      try {
        names = await uploads.place(plan.images, { projectId, token, call });
        const submitted = await submit(plan, projectId, names, token, call, announce);
        const { stage, aspect, tasks } = plan;
        const pieces = plan.piecesOf(submitted.name);
        return { stage, ...submitted, projectId, aspect, mediaId: submitted.name, pieces, tasks, earlier: null };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (error.kind === "upstream_invalid") uploads.forget(names);
        if (error.upstreamStatus !== 404) throw error;
        if (plan.projectId !== null) throw lostSource(error);
        if (isFresh) throw error;
      }
      projectId = await projects.replace(token, call, projectId);
    }
  };

  const submitStep = async (step: Step, token: ProviderToken, call: CallContext, onSubmit: () => Promise<void>): Promise<Running> => {
    const { task, from, tasks } = step;
    if (task.task === "upscale") {
      const made = await make(upscaleSpec(from, task.resolution), token, call, onSubmit);
      return { ...made, tasks, earlier: from };
    }
    const pieces = [...task.before, ...from.pieces];
    await sessions.current(token, call);
    await onSubmit();
    const name = await concatenation.submit(pieces, token, call);
    return { ...from, stage: "concatenation", form: "concatenation", name, mediaId: null, pieces, tasks, earlier: from };
  };

  /** A finished stage is paid: whatever refuses the next one, it is not lost. */
  const afterRefusal = (step: Step, error: AppError): Handle => {
    const { kind, charged, upstreamStatus } = error;
    const tries = step.tries + 1;
    if (PASSING.has(kind) && !charged && tries < MAX_TRIES) {
      const pauseMs = Math.max(FIRST_PAUSE_MS * 2 ** step.tries, error.retryAfterMs ?? 0);
      return { stage: "waiting", until: now() + Math.min(pauseMs, LONGEST_PAUSE_MS), step: { ...step, tries } };
    }
    const missing = step.task.task;
    log.warn("flow refused a further stage of a video; the stage before it stands", { missing, kind, status: upstreamStatus });
    return { stage: "settled", ...step.from, missing };
  };

  /** What the answer of one poll means for the job. */
  const conclude = (handle: Running, status: VideoState): VideoStatus => {
    if (status.state === "pending") {
      if (status.word !== "PENDING" && status.word !== "ACTIVE")
        news({ provider: "flow", kind: "job_status", word: newsWord(status.word), shape: "string" });
      return { state: "pending", progress: null };
    }
    if (status.state === "failed") {
      const error = classifyFailure(status.error);
      for (const word of unknownFailureWords(status.error))
        news({ provider: "flow", kind: "error_reason", word, shape: shapeOf(status.error) });
      if (!handle.earlier) return { state: "failed", error };
      const missing = handle.stage === "upscale" ? "upscale" : "concatenation";
      log.warn("flow failed a further stage of a video; the stage before it stands", { missing, kind: error.kind });
      return finished({ ...handle.earlier, missing });
    }
    const video = withMediaId(handle, status.mediaId);
    const [task, ...tasks] = handle.tasks;
    return task ? { state: "next", step: { task, from: video, tasks, tries: 0 } } : finished({ ...video, missing: null });
  };

  return {
    async startVideo(request, token, call, onSubmit) {
      return {
        operation: await make(videoSpecOf(request, { plan: tierOf(token.state.tier), models: options.models }), token, call, onSubmit),
      };
    },
    async continueVideo(json, token, call, onSubmit) {
      const step = readStep(json);
      try {
        return { operation: await submitStep(step, token, call, onSubmit) };
      } catch (error) {
        if (!(error instanceof AppError) || call.signal.aborted) throw error;
        return { operation: afterRefusal(step, error) };
      }
    },
    async pollVideo(operation, token, call) {
      const handle = readHandle(operation);
      if (handle.stage === "settled") return finished({ ...videoOf(handle), missing: handle.missing });
      if (handle.stage === "waiting")
        return now() < handle.until ? { state: "pending", progress: null } : { state: "next", step: handle.step };
      const isJoined = handle.form === "concatenation";
      return conclude(handle, await (isJoined ? concatenation.status(handle.name, token, call) : askStatus(handle, token, call)));
    },
    // Flow has no call that stops a video.
    cancelVideo: async () => false,
  };
}

/** The handle out of an answer that took the video. @throws {AppError} `upstream_unknown_outcome`: it runs, and we do not know its name */
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
function withMediaId(handle: Running, told: string | undefined) {
  const mediaId = handle.mediaId && (told ?? handle.mediaId);
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

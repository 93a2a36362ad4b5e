// Video over chat: creates a job, streams its progress as reasoning, links its video.

import { NO_USAGE } from "../../../domain/generation.ts";
import type { Job } from "../../../domain/job.ts";
import type { VideoForm } from "../../../domain/key.ts";
import { AppError } from "../../../errors.ts";
import { isSettled } from "../../../gateway/jobs/job-state.ts";
import type { ModelChoice } from "../../../gateway/models/parse-model.ts";
import { sendEarly } from "../../early-bytes.ts";
import { jobHeaders } from "../../generation-headers.ts";
import { mediaUrl } from "../../links.ts";
import { frame, stoppable, streamFrames } from "../../sse.ts";
import type { Api, Call } from "../call.ts";
import { errorBody, jobFailure } from "../errors.ts";
import type { ChatBody } from "../schema.ts";
import { jobsOf, type StartedVideo, startVideo } from "../videos/start.ts";
import { videoWords } from "./chat-progress.ts";
import type { DecodedChat } from "./decode.ts";
import { decodeChatVideo } from "./decode-video.ts";
import { type Envelope, encodeChunk, encodeCompletion, encodeUsageChunk, FINISH_REASON, VIDEO_FORMS, videoText } from "./encode.ts";

/** A created job and the form of its response. */
export type VideoChat = StartedVideo & Pick<DecodedChat, "stream" | "includeUsage"> & { signal: AbortSignal; stop(): void };

type VideoRequest = { body: ChatBody; decoded: DecodedChat; choice: ModelChoice };

/** @throws {AppError} everything that is known before an upstream is called */
export async function startChatVideo(api: Api, call: Call, { body, decoded, choice }: VideoRequest): Promise<VideoChat> {
  const { stream, includeUsage } = decoded;
  const { signal, stop } = stoppable(call.request);
  const video = decodeChatVideo(body, decoded, choice);
  const started = await startVideo(api, call, { route: "POST /v1/chat/completions", video, signal });
  return { ...started, stream, includeUsage, signal, stop };
}

/**
 * The response about a job, streamed or when it has ended. The job survives a client that leaves.
 * @throws {AppError} without streaming, why no video came
 */
export async function answerChatVideo(api: Api, call: Call, envelope: Envelope, chat: VideoChat): Promise<Response> {
  const { job, stream, client, stop } = chat;
  const headers = { ...chat.headers, "x-flow2api-job": job.id };
  if (!stream) {
    const whole = async () => {
      const ended = await endedJob(api, call, job);
      const body = await completion(api, call, envelope, ended);
      client.delivered();
      return Response.json(body, { headers: { ...headers, ...jobHeaders(api.catalogue(), ended) } });
    };
    return sendEarly({ api, startedAt: call.startedAt, headers: () => headers, errorBody, whole: () => client.deliver(whole) });
  }
  const startedAt = api.clock.now();
  const state = { words: "Starting" };
  const heartbeat = () => {
    const seconds = Math.round((api.clock.now() - startedAt) / 1000);
    return frame(encodeChunk(envelope, { reasoning_content: `${state.words}; ${seconds} s so far.\n` }));
  };
  const frames = videoFrames(api, call, envelope, { ...chat, state });
  return streamFrames(frames, { clock: api.clock, heartbeat, headers, onCancel: stop, onEnd: client.delivered });
}

async function endedJob(api: Api, call: Call, job: Job): Promise<Job> {
  for await (const now of watch(api, call, job, call.request.signal)) if (isSettled(now.state)) return now;
  throw interrupted(call.request.signal);
}

async function completion(api: Api, call: Call, envelope: Envelope, job: Job) {
  const { text, finish } = await endOf(api, call, job);
  return encodeCompletion(envelope, { text, images: [] }, { finish, usage: job.usage ?? NO_USAGE });
}

async function* videoFrames(
  api: Api,
  call: Call,
  envelope: Envelope,
  { job, includeUsage, state, signal }: VideoChat & { state: { words: string } },
): AsyncGenerator<string> {
  yield frame(encodeChunk(envelope, { role: "assistant", content: "" }));
  yield frame(encodeChunk(envelope, { reasoning_content: whereabouts(call, job) }));
  try {
    for await (const now of watch(api, call, job, signal)) {
      if (isSettled(now.state)) {
        const { text, finish } = await endOf(api, call, now);
        yield frame(encodeChunk(envelope, { content: text }));
        yield frame(encodeChunk(envelope, {}, FINISH_REASON[finish]));
        if (includeUsage) yield frame(encodeUsageChunk(envelope, now.usage ?? NO_USAGE));
        return yield frame("[DONE]");
      }
      const words = videoWords(now);
      if (words !== state.words) yield frame(encodeChunk(envelope, { reasoning_content: `${words}.\n` }));
      state.words = words;
    }
    throw interrupted(signal);
  } catch (error) {
    if (!(error instanceof AppError)) api.log.error("Streamed response failed", { error });
    yield frame(errorBody(error));
  }
}

/** First line of the stream: a client that stops it can find the job. */
const whereabouts = ({ calledOrigin }: Call, { id }: Job): string =>
  `The video is made as job ${id}, also when you leave: ${calledOrigin}/v1/videos/${id} has it, and so has the same request within ten minutes.\n`;

async function* watch(api: Api, { key }: Call, job: Job, signal: AbortSignal): AsyncGenerator<Job> {
  const watched = await jobsOf(api).watch(job.id, key.id, signal);
  if (watched) yield* watched;
}

/** Error for a watch that ended before its job. */
const interrupted = (signal: AbortSignal) =>
  signal.aborted
    ? new AppError("cancelled", "The client went away; the video is still being made.")
    : new AppError("not_found", "The video was deleted while it was being made.", { reason: "job_deleted" });

/**
 * Text and finish of an ended job.
 * @throws {AppError} why there is no video; a refusal only when these are set to be errors
 */
async function endOf(api: Api, call: Call, job: Job): Promise<{ text: string; finish: "stop" | "policy_output" }> {
  if (job.state === "completed") {
    const media = job.mediaIds[0] === undefined ? null : await api.media.get(job.mediaIds[0]);
    if (!media) throw new AppError("not_found", "The video of this job is past its age.", { reason: "job_deleted" });
    return { text: videoText(mediaUrl(call.origin, media), formOf(api, call)), finish: "stop" };
  }
  const failure = jobFailure(job);
  if (failure.kind === "content_policy" && api.settings.current().generation.refusal === "content_filter")
    return { text: failure.message, finish: "policy_output" };
  throw failure;
}

function formOf(api: Api, { request, key }: Call): VideoForm {
  const header = request.headers.get("x-video-output");
  return VIDEO_FORMS.find((form) => form === header) ?? key.videoForm ?? api.settings.current().chat.video_form;
}

// Contract of generations: the request for images, the run that answers it.

import type { Dialect, GenerateEvent, ImageOptions, Turn } from "../../domain/generation.ts";
import type { Job } from "../../domain/job.ts";
import type { KeyRow } from "../../domain/key.ts";
import type { ModelChoice } from "../models/parse-model.ts";
import type { Delivery } from "./undelivered/delivery.ts";

/** The images that a client asks for, decoded from any dialect. */
export type ImageSpec = {
  choice: ModelChoice;
  /** What the request itself names; what the model id fixes wins over it. */
  options: ImageOptions;
  turns: Turn[];
  /** Images wanted, each an upstream call of its own. */
  n: number;
  /** Field that the images of the last turn came in, named when there are too many. */
  imagesParam?: string;
  /** Fields of a dialect whose shapes are exact: a shape that the model does not have is refused, a size or a level is named as ignored. */
  shapeParams?: { aspect: string; size: string; thinking?: string };
};

/** A generation of images for a client that waits, or for a job. */
export type ImageGeneration = ImageSpec & {
  requestId: string;
  dialect: Dialect;
  /** Route as listed, e.g. `POST /v1/chat/completions`. */
  route: string;
  stream: boolean;
  key: KeyRow;
  /** Aborts when the client disconnects. */
  signal: AbortSignal;
  /** Awaited before the body of each upstream call leaves; when it throws, that call is not made. */
  onSubmit?: () => Promise<void>;
  /** Awaited after each call whose body left. `charged` false: the upstream refused it, and another token may be asked. */
  onCallEnd?: (charged: boolean) => Promise<void>;
  /** It belongs to a job: nothing is sent before that is on disk. */
  forJob?: boolean;
  /** The client gets the bytes of images as they were made: they stay in memory until it has read them, as far as there is room. */
  returnsBytes?: boolean;
  /** A new call is wanted, whatever an identical request before has left. */
  insist?: boolean;
  /** Epoch ms of arrival. */
  startedAt: number;
};

export type Run = {
  /** Public family id that serves the request. */
  family: string;
  /** The retired family that it replaces, or null. */
  successorOf: string | null;
  /** The job that it follows, as it was at the start; absent: it is a run of its own. */
  job?: Job;
  /** What calls of this family took lately, in ms; absent: nothing is known. */
  usualMs?: number | null;
  /** Response headers of this run. */
  headers: Readonly<Record<string, string>>;
  /** Ends with `done` or throws AppError. The generation waits for no reader. */
  events: AsyncIterable<GenerateEvent>;
  /** To be called when the response has been sent whole: until then a client that leaves has not got it. Absent: a job has it. */
  delivered?(): void;
};

/**
 * Starts a generation. Resolves as soon as a token is leased or the request has entered the queue, so that everything
 * known before that is thrown here, as an error that can still be an HTTP status.
 * @throws {AppError} `forbidden`, `limit_exceeded`, `no_token`, `busy`, `upstream_quota`, `upstream_rate_limited`
 */
export type Generate = (request: ImageGeneration) => Promise<Run>;

export type RunFacts = { family: string; successorOf: string | null };

/** A generation under way that its client may have left: what another reader needs of it. */
export type RunUnderWay = {
  readonly facts: RunFacts;
  readonly isOver: boolean;
  /** Resolves when its calls are over. */
  readonly ended: Promise<void>;
  /** Ends the calls that still run, because the server stops. */
  stopWithServer(): void;
  /** The events, for one reader. `delivery` is its own. */
  read(signal: AbortSignal, delivery: Delivery): AsyncIterable<GenerateEvent>;
  /** Another client reads it from now on, or has left. */
  attend(isAttended: boolean): void;
};

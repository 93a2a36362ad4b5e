// Decides whether a chat call wants an image or is a side call of its client, by several signs. Pure.
import type { Kind } from "../../domain/generation.ts";
import { isTerse, type Probe, probeIn } from "./probe.ts";
import { readTask, type Task } from "./read-task.ts";
import { namesConversation, type Reading, readSigns, type Target } from "./signs.ts";

/** What is known of a chat call before anything is made for it. */
export type ChatCall = {
  kind: Kind;
  /** System and developer messages. */
  system: string;
  /** The last message of the user; "" when there is none. */
  text: string;
  /** Texts of the user before it, oldest first. */
  earlier: readonly string[];
  /** Messages that are not instructions. */
  messages: number;
  /** An image or a file comes with the last message. */
  hasAttachment: boolean;
  maxTokens: number | null;
  /** The client says that it is a task: `metadata.task`, a header. */
  marker: string | null;
  /** Size, aspect ratio, `modalities` with image: an image is what is wanted. */
  hasImageOptions: boolean;
  /** As the client wrote it; returned to a probe that asks for it. */
  model: string;
};

export const SIGNS = ["probe", "marker", "tokens", "asks", "task", "conversation", "bounds", "json", "system"] as const;
export type Sign = (typeof SIGNS)[number];

export type Verdict = {
  isSide: boolean;
  signs: Sign[];
  probe: Probe | null;
  /** The text that is demanded, by the user or by the instructions. */
  target: Target | null;
  task: Task;
  /** The instructions demand it, and the user says only what it is about. */
  isTask: boolean;
};

/** An image costs 747 tokens at least (512 px; ai.google.dev pricing, read 2026-11-23): a client that allows so few expects none. */
const FEW_TOKENS = 400;
/** Many clients allow every reply some hundred; for a title or a test fewer are allowed. */
const VERY_FEW_TOKENS = 128;
/** Fewer than a sentence: not even a client's setting for short replies. */
const HARDLY_ANY_TOKENS = 64;

const WEIGHT: Readonly<Record<Sign, number>> = {
  probe: 3,
  marker: 2,
  tokens: 2,
  asks: 1,
  task: 2,
  conversation: 1,
  bounds: 1,
  json: 2,
  system: 4,
};
const ENOUGH: Readonly<Record<Kind, number>> = { image: 3, video: 2 };
const AGAINST_ATTACHMENT = 2;
/** Clients that send them with every call send them with their tasks, too. */
const AGAINST_OPTIONS = 2;
const AGAINST_IMAGE = 3;

export function judgeSideCall(call: ChatCall): Verdict {
  const task = readTask(call.text);
  const reading = readSigns(task.instruction);
  const system = readSystem(call.system, call.kind);
  const probe = call.hasAttachment || call.hasImageOptions ? null : probeOf(call);
  const isTask = system !== null && !reading.target;
  const target = isTask ? system.target : reading.target;
  const verdict: Verdict = { isSide: false, signs: [], probe, target, task, isTask };
  addSigns(verdict, call, reading, system !== null);
  const isVisual = reading.isVisual || (call.kind === "video" && reading.isMotion);
  const isMarkedTask = call.marker !== null && reading.target !== null;
  const score =
    weightOfAll(verdict.signs, call, reading) -
    (isVisual && !probe && system === null && !isMarkedTask ? AGAINST_IMAGE : 0) -
    (call.hasAttachment ? AGAINST_ATTACHMENT : 0) -
    (call.hasImageOptions ? AGAINST_OPTIONS : 0);
  verdict.isSide =
    call.kind === "image"
      ? isEnoughForText(verdict.signs, score)
      : isEnoughForVideo(call, { signs: verdict.signs, score, isVisual, reading });
  return verdict;
}

function weightOfAll(signs: readonly Sign[], call: ChatCall, reading: Reading): number {
  let sum = 0;
  for (const sign of signs) sum += weightOf(sign, call, reading);
  return sum;
}

function weightOf(sign: Sign, { maxTokens }: ChatCall, reading: Reading): number {
  if (sign === "bounds") return Math.max(1, reading.bounds);
  const isRoomy = maxTokens !== null && maxTokens > VERY_FEW_TOKENS;
  if (isRoomy && (sign === "tokens" || (sign === "task" && reading.isDoubtful))) return 1;
  return WEIGHT[sign];
}

/** A word or two: gateways that check whether a model answers allow 1 to 16. */
const NEXT_TO_NO_TOKENS = 16;

const DIGITS = /^\s{0,9}\d{1,2}\s{0,9}$/;
const CONSENT = /^\s{0,9}(?:ok|okay|yes|yeah|no|please|good|just|好|可以|是|行|不)|^[^\p{L}\p{N}]{0,99}$/iu;

/** Consent in the midst of a conversation is to what was said before it; a video is made only for what asks for one. */
const probeOf = ({ text, messages, earlier, kind, maxTokens }: ChatCall): Probe | null => {
  const isDigit = DIGITS.test(text) && maxTokens !== null && maxTokens <= HARDLY_ANY_TOKENS;
  // By the tokens, by the words and by being the first of the conversation: none of these alone.
  const isCheck = maxTokens !== null && maxTokens <= NEXT_TO_NO_TOKENS && messages <= 1 && earlier.length === 0 && isTerse(text);
  const probe = isDigit || isCheck ? ({ kind: "greeting" } as const) : probeIn(text);
  return probe &&
    ((messages <= 2 && earlier.length === 0) || !CONSENT.test(text) || kind === "video" || maxTokens !== null || probe.kind !== "greeting")
    ? probe
    : null;
};

function addSigns({ signs, probe, task }: Verdict, call: ChatCall, reading: Reading, isSystemTask: boolean): void {
  // Words that a scene may hold as well count only beside one that no scene holds.
  const isText = (reading.target !== null && !reading.isVisual) || reading.asks || reading.hasJson || task.hasTranscript;
  const isShort = call.maxTokens !== null && call.maxTokens < FEW_TOKENS;
  if (probe !== null) signs.push("probe");
  if (call.marker !== null) signs.push("marker");
  if (isShort) signs.push("tokens");
  if (reading.asks && reading.target === null) signs.push("asks");
  if (reading.target !== null && (!reading.isVisual || call.marker !== null)) signs.push("task");
  if (task.hasTranscript || (reading.isAbout && isText)) signs.push("conversation");
  if (reading.bounds > 0 && isText) signs.push("bounds");
  if (reading.hasJson) signs.push("json");
  if (isSystemTask) signs.push("system");
}

/** Whether a call to an image model wants a text. */
const isEnoughForText = (signs: readonly Sign[], score: number): boolean =>
  score >= ENOUGH.image && (signs.length > 1 || signs[0] === "probe" || signs[0] === "system");

function isEnoughForVideo(
  { maxTokens, hasImageOptions }: ChatCall,
  { signs, score, isVisual, reading }: { signs: Sign[]; score: number; isVisual: boolean; reading: Reading },
): boolean {
  if (isVisual || hasImageOptions) return score >= ENOUGH.image;
  const isTiny = maxTokens !== null && maxTokens <= HARDLY_ANY_TOKENS && reading.words <= 3;
  const hasOthers = signs.length > Number(signs.includes("tokens"));
  return isTiny || (hasOthers && (score >= ENOUGH.video || reading.asks));
}

/** Texts that clients have made of every conversation. */
const SYSTEM_TARGETS: readonly Target[] = ["title", "tags", "emoji", "summary", "query", "tool", "follow_ups"];
/** Texts that these demand only with bounds of the reply: else they describe who speaks. */
const BOUND_TARGETS: readonly Target[] = ["translation", "language", "classify", "json", "prompt"];
const FIRST_CHARS = 300;

/**
 * Instructions that make every reply a text: at their beginning one is demanded, of a conversation, within bounds. Those that speak of
 * images are how a person sets up an image chat.
 */
function readSystem(text: string, kind: Kind): { target: Target } | null {
  if (text.trim() === "") return null;
  const { instruction, hasTranscript } = readTask(text);
  const first = readSigns(instruction.slice(0, FIRST_CHARS));
  if (first.target === null && !instruction.includes("tool")) return null;
  const whole = readSigns(instruction);
  // The list of the tools stands before what is to be done with them.
  const target = whole.target === "tool" && whole.hasJson ? "tool" : first.target;
  const isBound = target !== null && BOUND_TARGETS.includes(target) && (whole.bounds > 0 || whole.hasJson) && first.isRole;
  if (target === null || !(SYSTEM_TARGETS.includes(target) || isBound)) return null;
  const isAbout = hasTranscript || namesConversation(instruction);
  const score =
    WEIGHT.task + Number(isAbout) + whole.bounds + (whole.hasJson ? 2 : 0) + Number(first.isRole) - (whole.isVisual ? AGAINST_IMAGE : 0);
  return score >= 4 && !(kind === "video" && whole.isMotion) ? { target } : null;
}

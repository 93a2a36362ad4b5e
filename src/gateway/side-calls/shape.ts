// Shape of a chat call: an id of what calls of the same kind share, used by the rules. Pure.

import type { Kind } from "../../domain/generation.ts";
import { wordsOf } from "./clauses.ts";
import type { ChatCall, Sign, Verdict } from "./decide.ts";

const TEXT_WORDS = 14;
const SYSTEM_WORDS = 24;
/** What the words of a shape take at most. */
const SHAPE_CHARS = 400;
const SAMPLE_CHARS = 120;
const DIGITS = /\d+/g;
const BLANKS = /\s+/g;

/**
 * Instructions, the beginning of what is asked (numbers and quoted conversation apart), the token limit and the kind. Texts that a
 * client's instructions make a task of differ each time and do not count. What operators see of it is worked out when it is shown.
 */
export class CallShape {
  /** Calls of one shape have the same. */
  readonly key: string;

  constructor(
    private readonly call: ChatCall,
    private readonly verdict: Pick<Verdict, "task" | "signs">,
  ) {
    const { task, signs } = verdict;
    const isTask = signs.includes("system");
    const own = task.instruction || task.quoted[0] || call.text;
    const words = isTask ? "*" : firstWords(own, TEXT_WORDS);
    // Only so many words, and no more: "a cat" is another shape than "a cat in the snow".
    const length = isTask ? 1 : Math.min(beginning(own).length, TEXT_WORDS);
    const { kind, maxTokens, hasAttachment, messages } = call;
    this.key = JSON.stringify([
      kind,
      firstWords(call.system, SYSTEM_WORDS),
      words,
      length,
      maxTokens ?? "any",
      hasAttachment,
      messages > 1,
    ]);
  }

  /** 12 hex characters. */
  get id(): string {
    return Bun.SHA256.hash(this.key, "hex").slice(0, 12);
  }

  /** The first words that such calls have in common. */
  get sample(): string {
    const { call, verdict } = this;
    const text = verdict.signs.includes("system") ? call.system : verdict.task.instruction || call.text || call.system;
    return text.slice(0, SHAPE_CHARS).replace(BLANKS, " ").trim().slice(0, SAMPLE_CHARS);
  }

  get kind(): Kind {
    return this.call.kind;
  }

  get maxTokens(): number | null {
    return this.call.maxTokens;
  }

  get signs(): readonly Sign[] {
    return this.verdict.signs;
  }
}

const beginning = (text: string) => (text === "" ? NO_WORDS : wordsOf(text.length > SHAPE_CHARS ? text.slice(0, SHAPE_CHARS) : text));
const NO_WORDS: readonly string[] = [];

function firstWords(text: string, count: number): string {
  const words = beginning(text);
  return (words.length > count ? words.slice(0, count) : words).join(" ").replace(DIGITS, "#");
}

// Shape of a chat call: an id of what calls of the same kind share, used by the rules. Pure.

import { wordsOf } from "./clauses.ts";
import type { ChatCall, Sign, Verdict } from "./decide.ts";

export type CallShape = {
  /** 12 hex characters; calls of one shape have the same. */
  id: string;
  /** The first words that such calls have in common. */
  sample: string;
  kind: ChatCall["kind"];
  maxTokens: number | null;
  signs: readonly Sign[];
};

const TEXT_WORDS = 14;
const SYSTEM_WORDS = 24;
/** What the words of a shape take at most. */
const SHAPE_CHARS = 400;
const SAMPLE_CHARS = 120;
const DIGITS = /\d+/g;
const BLANKS = /\s+/g;

/**
 * Instructions, the beginning of what is asked (numbers and quoted conversation apart), the token limit and the kind. Texts that a
 * client's instructions make a task of differ each time and do not count.
 */
export function shapeOf(call: ChatCall, { task, signs }: Pick<Verdict, "task" | "signs">): CallShape {
  const bare = (text: string, count: number) => {
    const words = text === "" ? [] : wordsOf(text.slice(0, SHAPE_CHARS));
    if (words.length > count) words.length = count;
    for (let at = 0; at < words.length; at++) words[at] = words[at]!.replace(DIGITS, "#");
    return words;
  };
  const system = bare(call.system, SYSTEM_WORDS);
  const own = signs.includes("system") ? ["*"] : bare(task.instruction || task.quoted[0] || call.text, TEXT_WORDS);
  // Only so many words, and no more: "a cat" is another shape than "a cat in the snow".
  const length = Math.min(own.length, TEXT_WORDS);
  const facts = [call.kind, system.join(" "), own.join(" "), length, call.maxTokens ?? "any", call.hasAttachment, call.messages > 1];
  return {
    id: Bun.SHA256.hash(JSON.stringify(facts), "hex").slice(0, 12),
    sample: (signs.includes("system") ? call.system : task.instruction || call.text || call.system)
      .slice(0, SHAPE_CHARS)
      .replace(BLANKS, " ")
      .trim()
      .slice(0, SAMPLE_CHARS),
    kind: call.kind,
    maxTokens: call.maxTokens,
    signs,
  };
}

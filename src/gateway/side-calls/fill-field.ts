// Value of a JSON field in a local reply, by the name of the field. Pure.

import { wordsOf } from "./clauses.ts";
import { linesFor } from "./lines.ts";
import { languageOf, type Topic } from "./topic.ts";

const has = (words: readonly string[], ...names: string[]) =>
  names.some((name) => words.some((word) => word === name || word === `${name}s`));

/** `follow_ups`, `followUps` and "Follow-ups" are the same words. */
const nameWords = (name: string) => wordsOf(name.replace(/([a-z])([A-Z])/g, "$1 $2").replace(/[_-]/g, " "));

/** Text of a field; `description` is what the schema says of it. */
export function textField(name: string, topic: Topic, description = ""): string {
  const words = nameWords(name);
  const lines = linesFor(topic.said);
  if (has(words, "title", "name", "topic", "subject", "heading", "headline", "intention", "label", "output"))
    return topic.title || "New image";
  if (has(words, "language", "lang", "locale")) return languageOf(topic.said);
  if (has(words, "emoji", "icon")) return "🖼️";
  if (has(words, "text", "completion", "continuation", "suffix")) return "";
  if (has(words, "prompt", "query", "search", "input")) return topic.subject;
  if (has(words, "tag", "keyword", "category", "genre")) return "Images";
  if (has(words, "summary", "description", "abstract", "overview", "content", "reasoning", "explanation"))
    return lines.summary(topic.title);
  if (description !== "") return textField(description.split(/\s+/).slice(0, 12).join(" "), topic);
  return has(words, "answer", "response", "reply", "message", "result") ? lines.help : topic.title || lines.help;
}

/** Items of a list, as many as it should have. */
export function listField(name: string, topic: Topic): string[] {
  const words = nameWords(name);
  if (has(words, "follow", "followup", "question", "suggestion", "reply", "replies", "prompt", "next", "edit", "option")) {
    return [...linesFor(topic.said).followUps];
  }
  if (has(words, "tag", "keyword", "category", "categories", "topic", "label", "hashtag", "genre")) return ["Images"];
  if (has(words, "title", "name")) return [topic.title || "New image"];
  return [];
}

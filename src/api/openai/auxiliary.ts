// Calls that clients make on the side (titles, tags, "hi") get local text: a picture for them would be paid for nothing.
import type { DecodedChat } from "./decode.ts";

type Rule = { name: string; pattern: RegExp; answer(text: string): string };

/** The first words that the person wrote, out of a prompt that quotes the conversation. */
function topicOf(text: string): string {
  const quoted = /(?:USER|User|user)\s*:\s*([^\n<]+)/.exec(text)?.[1] ?? "";
  return quoted.trim().split(/\s+/).slice(0, 5).join(" ") || "New picture";
}

/** Prompts as the named clients send them (Open WebUI, LobeHub, Cherry Studio, NextChat, LibreChat; wire.md D). First match wins. */
const RULES: readonly Rule[] = [
  { name: "tags", pattern: /^### Task:[\s\S]*"tags"/i, answer: () => '{"tags": ["Images"]}' },
  { name: "follow-ups", pattern: /^### Task:[\s\S]*"follow_ups"/i, answer: () => '{"follow_ups": []}' },
  { name: "queries", pattern: /^### Task:[\s\S]*"queries"/i, answer: () => '{"queries": []}' },
  { name: "title", pattern: /^### Task:[\s\S]*"title"/i, answer: (text) => JSON.stringify({ title: topicOf(text) }) },
  { name: "emoji", pattern: /^### Task:[\s\S]*emoji/i, answer: () => "🖼️" },
  { name: "autocomplete", pattern: /^### Task:[\s\S]*autocomplet/i, answer: () => '{"text": ""}' },
  {
    name: "plain title",
    pattern:
      /(generate a (four to five|concise,? \d-\d) word title|summari[sz]e (the )?(user's )?(conversation|dialogue|session) into a (short )?title|\d-word-or-less title for the conversation|标题.{0,40}(不要|无需|字以内)|(字以内|一个)的?标题|总结为.{0,12}标题)/i,
    answer: topicOf,
  },
  {
    name: "summary",
    pattern: /^(summari[sz]e the discussion briefly in \d+ words or less|简要总结一下对话内容)/i,
    answer: () => "The conversation is about making pictures.",
  },
];

const GREETING = /^(hi|hello|hey|ping|你好|您好)\s*[!.。！]?$/i;

/** The local answer to a call that wants no picture, or null. Calls with a picture are never taken for one. */
export function auxiliaryAnswer({ system, turns }: Pick<DecodedChat, "system" | "turns">): string | null {
  const last = turns.at(-1);
  if (!last || last.parts.some((part) => part.type === "reference")) return null;
  const text = last.parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
  if (turns.length === 1 && GREETING.test(text.trim())) return "Hello! I make pictures: describe what you would like to see.";
  const rule = RULES.find(({ pattern }) => pattern.test(text.trim()) || (system !== undefined && pattern.test(system)));
  return rule ? rule.answer(text) : null;
}

// Local reply to a side call in the form of its task: JSON, title, emoji or line. Pure.

import type { ChatCall, Verdict } from "./decide.ts";
import { jsonOfForm } from "./json-form.ts";
import { linesFor } from "./lines.ts";
import { schemaValue } from "./schema-value.ts";
import { readSigns } from "./signs.ts";
import { titleOf } from "./title.ts";
import { languageOf, type Topic } from "./topic.ts";

export function topicOf(call: ChatCall, { task, target }: Pick<Verdict, "task" | "target">): Topic {
  // Where the instructions alone are the task, what the user says is what it is about.
  const own =
    target !== null && task.quoted.length === 0 && call.earlier.length === 0
      ? afterColon(task.instruction) || lastParagraph(task.instruction)
      : "";
  const isTask = task.instruction !== "" && (task.quoted.length > 0 || call.earlier.length > 0);
  const subject = task.lastUserText || (isTask ? (call.earlier.at(-1) ?? "") : own || call.text);
  return { subject, title: titleOf(subject), said: subject || call.text, model: call.model };
}

/** What a task ends with: "Generate a title: draw a fox". */
function afterColon(text: string): string {
  const quoted = /["“'「]([^"”'」]{3,300})["”'」]\s{0,3}$/.exec(text.slice(-400))?.[1];
  const colon = /[:：]\s{0,3}([^:：\n]{3,300})$/.exec(text.slice(-400))?.[1];
  return (quoted ?? colon ?? "").trim();
}

/** What follows the words of a task after a blank line, where it demands nothing itself. */
function lastParagraph(text: string): string {
  const at = text.lastIndexOf("\n\n");
  const last = at === -1 ? "" : text.slice(at, at + 400).trim();
  const { target, bounds } = readSigns(last);
  return target === null && bounds === 0 ? last : "";
}

/** Text of the reply to a side call. */
export function localAnswer(call: ChatCall, verdict: Verdict, instruction = instructionOf(call, verdict)): string {
  const { probe, target, task } = verdict;
  const topic = topicOf(call, verdict);
  const lines = linesFor(topic.said || call.system);
  if (probe?.kind === "literal") return probe.text;
  if (probe?.kind === "model") return call.model;
  if (probe) return linesFor(call.text).hello;
  if (target === "tool") return '{"tool_calls":[]}';
  const form = jsonOfForm(instruction, topic);
  if (form !== null) return form;
  switch (target) {
    case "title":
      return topic.title || "New image";
    case "emoji":
      return "🙂";
    case "tags":
      return verdict.signs.includes("json") ? '{"tags":["Images"]}' : "images";
    case "follow_ups":
      return lines.followUps.join("\n");
    case "summary":
      return lines.summary(topic.title);
    case "json":
      return "{}";
    case "model":
      return call.model;
    case "prompt":
      return topic.subject || lines.help;
    case "query":
      return topic.title || lines.help;
    case "language":
      return languageOf(topic.said);
    case "text":
      // A merge of several replies: one of them as it is shows its image again.
      return task.quoted.find((part) => part.includes("](")) ?? lines.help;
    default:
      return lines.help;
  }
}

/** Where the form of the reply is described: what the user says is what the task is about. */
const instructionOf = ({ system }: ChatCall, { isTask, task }: Verdict) => (isTask ? system : `${task.instruction}\n${system}`);

/** Text that fits the JSON that the client demands. */
export const jsonAnswer = (schema: unknown, call: ChatCall, verdict: Verdict): string => {
  const topic = topicOf(call, verdict);
  if (schema !== undefined && schema !== null) return JSON.stringify(schemaValue(schema, topic));
  return jsonOfForm(instructionOf(call, verdict), topic) ?? JSON.stringify({ [jsonName(verdict.target)]: localText(call, verdict) });
};

const jsonName = (target: Verdict["target"]) => (target && !["json", "text", "tool"].includes(target) ? target : "response");
const localText = (call: ChatCall, verdict: Verdict): unknown => {
  if (verdict.target === "tags") return ["Images"];
  if (verdict.target === "follow_ups") return linesFor(call.text).followUps;
  return localAnswer(call, verdict, "");
};

// Splits a message into the task and the conversation that it quotes. Linear in the text.

/** What a message says, apart from what it quotes. */
export type Task = {
  /** The words of the writer, without what is quoted. */
  instruction: string;
  /** What is quoted, in order: tagged blocks, fences, lines of a transcript. */
  quoted: readonly string[];
  /** True when a quoted part is a conversation: lines that begin with a role. */
  hasTranscript: boolean;
  /** The last text of a user in what is quoted, or what is quoted when it has no roles; "" when nothing is. */
  lastUserText: string;
};

/** Longer texts are read at both ends: a task says what it is there. */
const HEAD_CHARS = 5000;
const TAIL_CHARS = 3000;
const FENCES = ["```", '"""'] as const;

const ROLE =
  /^\s{0,8}(?:[-*>#]{0,3}\s?)(user|human|assistant|ai|bot|model|system|me|you|用户|用戶|助手|助理|人类|ユーザー|アシスタント|사용자)(?: message| input| query|消息|輸入|输入|的问题)?(?:\*\*)?\s?[:：]/i;
const INLINE = /[\s:.](?:User|Human|用户)(?: message)?[:：]/;
/** A line that parts what is quoted from the rest. */
const RULER = /^\s{0,5}[-=*_]{3,30}\s{0,5}$/;
/** A line in quotation marks. */
/** What a task ends with in quotation marks. */
const QUOTED_END = /[.!?:：。]\s{1,3}["“「]([^"”」\n]{2,2000})["”」]\s{0,5}$/;
/** What follows is what the task is about, to the end of its paragraph. */
const NAMED_END = /[\s.](?:message|query|text|input|content|question|request|prompt)[:：]\s{0,3}([^\n]{2,2000})$/i;
/** A heading over what the task is about. */
const SECTION =
  /^\s{0,3}(?:#{1,4} |\[)(?:user |text |the )?(?:content|input|message|text|query|conversation|question|request|transcript)\]?:?\s{0,5}$/i;
/** Tags that hold what is to be done. */
const OWN_TAGS: ReadonlySet<string> = new Set(
  "task instruction instructions rule rules goal role output format output_format system".split(" "),
);
const QUOTED_LINE = /^\s{0,5}["“「][^"”」\n]{2,2000}["”」]\s{0,5}$/;
const USER = /^(user|human|me|you|用户|用戶|人类|ユーザー|사용자)$/i;

/** Both ends of a text that is too long to be read. */
export function clipEnds(text: string): string {
  return text.length <= HEAD_CHARS + TAIL_CHARS ? text : `${text.slice(0, HEAD_CHARS)}\n\n${text.slice(-TAIL_CHARS)}`;
}

/** Without one of these nothing is quoted: no line but the first, no tag, no colon, no quotation mark, no fence. */
const MAY_QUOTE = /[\n<:："“「`]/;

const NOTHING_QUOTED: readonly string[] = [];

export function readTask(whole: string): Task {
  if (whole.length <= HEAD_CHARS + TAIL_CHARS && !MAY_QUOTE.test(whole))
    return { instruction: whole.trim(), quoted: NOTHING_QUOTED, hasTranscript: false, lastUserText: "" };
  return readQuoting(whole);
}

function readQuoting(whole: string): Task {
  const quoted: string[] = [];
  const text = withoutFences(withoutTags(clipEnds(whole), quoted), quoted);
  const lines = withoutRoles(text);
  if (lines.transcript.length > 0) quoted.push(lines.transcript.join("\n"));
  const rest = withoutEnd(withoutInline(withoutSections(lines.rest, quoted), quoted), quoted);
  const turns = quoted.flatMap((part) => turnsIn(part));
  const users = turns.filter(({ role }) => USER.test(role));
  const lastUserText = (users.at(-1)?.text ?? (turns.length > 0 ? "" : (quoted.at(-1) ?? ""))).trim();
  // "Model: young woman, 25": a line that begins like a turn, with nothing that asks beside it.
  const hasTranscript = turns.length > 1 || (turns.length === 1 && /[\p{L}\p{N}]{2}/u.test(rest));
  return { instruction: rest.trim(), quoted, hasTranscript, lastUserText };
}

/** Takes out `<name>…</name>` blocks that hold more than a word. */
function withoutTags(text: string, quoted: string[]): string {
  let rest = "";
  let from = 0;
  // Each name is looked for once more only where an earlier search has not seen the end of the text.
  const missing = new Set<string>();
  for (let at = text.indexOf("<"); at !== -1; at = text.indexOf("<", at + 1)) {
    const name = /^<([A-Za-z][\w-]{1,30})>/.exec(text.slice(at, at + 34))?.[1];
    // In backticks a tag is spoken of.
    if (!name || missing.has(name) || OWN_TAGS.has(name.toLowerCase()) || text[at - 1] === "`") continue;
    if (missing.size > 20) break;
    const start = at + name.length + 2;
    const end = text.indexOf(`</${name}>`, start);
    if (end === -1) {
      missing.add(name);
      continue;
    }
    quoted.push(text.slice(start, end));
    rest += `${text.slice(from, at)} `;
    from = end + name.length + 3;
    at = from - 1;
  }
  return rest + text.slice(from);
}

function withoutFences(text: string, quoted: string[]): string {
  return FENCES.reduce((left, fence) => {
    const parts = left.split(fence);
    if (parts.length < 3) return left;
    const isInside = (index: number) => index % 2 === 1 && index < parts.length - 1;
    quoted.push(...parts.filter((_, index) => isInside(index)));
    return parts.filter((_, index) => !isInside(index)).join(" ");
  }, text);
}

/** Takes out lines of a transcript: from a line with a role to the next blank line that no role follows. */
function withoutRoles(text: string): { rest: string; transcript: string[] } {
  const rest: string[] = [];
  const transcript: string[] = [];
  let isInside = false;
  let wasBlank = false;
  for (const line of text.split("\n")) {
    const hasRole = ROLE.test(line.slice(0, 40));
    if (hasRole) isInside = true;
    else if (RULER.test(line.slice(0, 40))) isInside = false;
    else if (wasBlank && line.trim() !== "") isInside = false;
    wasBlank = line.trim() === "";
    (isInside ? transcript : rest).push(line);
  }
  return { rest: rest.join("\n"), transcript };
}

/** Takes out what stands under a heading that names it, and between two rulers. */
function withoutSections(text: string, quoted: string[]): string {
  const lines = text.split("\n");
  const rulers = lines.flatMap((line, at) => (RULER.test(line.slice(0, 40)) ? [at] : []));
  const isFramed = rulers.length === 2 && rulers[1]! < lines.length - 1 && rulers[0]! > 0;
  const rest: string[] = [];
  const taken: string[] = [];
  let isInside = false;
  for (const [at, line] of lines.entries()) {
    if (SECTION.test(line.slice(0, 60))) isInside = true;
    else if (/^\s{0,3}(?:#{1,4} |\[)/.test(line.slice(0, 10))) isInside = false;
    const isTaken = (isInside && !SECTION.test(line.slice(0, 60))) || (isFramed && at > rulers[0]! && at < rulers[1]!);
    (isTaken ? taken : rest).push(line);
  }
  if (!/[\p{L}\p{N}]{2}/u.test(rest.join(" ")) || taken.join("").trim() === "") return text;
  quoted.push(taken.join("\n").trim());
  return rest.join("\n");
}

/** Takes out the last sentence, where it is in quotation marks or named as what the rest is about. */
function withoutEnd(text: string, quoted: string[]): string {
  const end = text.trimEnd();
  const tail = end.slice(-2100);
  const found = QUOTED_END.exec(tail) ?? NAMED_END.exec(tail) ?? followingEnd(tail);
  if (!found || end.length - found[0].length < 12) return text;
  quoted.push(found[1]!);
  return end.slice(0, end.length - found[1]!.length).replace(/["“「”」\s]{0,6}$/, "");
}

/** "Detect the language of the following text and name it only: …": what "following" speaks of, to the end of its paragraph. */
function followingEnd(text: string): readonly [whole: string, said: string] | null {
  const at = text.toLowerCase().lastIndexOf("following ");
  const colon = at === -1 ? -1 : text.indexOf(":", at);
  if (colon === -1 || colon - at > 120) return null;
  const said = text.slice(colon + 1).trim();
  return said.length < 2 || said.includes("\n") || text.slice(at, colon).includes("\n") ? null : [text.slice(colon), said];
}

/** Takes out what stands behind a colon: in quotation marks, or from `User:` on. */
function withoutInline(text: string, quoted: string[]): string {
  const bare = text.replace(
    /[:：]\s{0,3}(?:["“「]([^"”」]{2,2000})["”」]|'([^'\n]{2,2000})'(?=[\s.,]|$))/g,
    (_, said?: string, also?: string) => {
      quoted.push(said ?? also ?? "");
      return ":";
    },
  );
  const lines = bare.split("\n");
  const own = lines.filter((line) => !QUOTED_LINE.test(line));
  if (own.length > 0 && own.length < lines.length) quoted.push(...lines.filter((line) => QUOTED_LINE.test(line)));
  const left = own.length > 0 ? own.join("\n") : bare;
  const at = left.search(INLINE);
  if (at < 12) return left;
  quoted.push(left.slice(at + 1).trim());
  return left.slice(0, at + 1);
}

function turnsIn(text: string): { role: string; text: string }[] {
  const turns: { role: string; text: string }[] = [];
  for (const line of text.split("\n")) {
    const role = ROLE.exec(line.slice(0, 40));
    if (role) turns.push({ role: role[1]!, text: line.slice(role[0].length) });
    else if (turns.length > 0) turns.at(-1)!.text += `\n${line}`;
  }
  return turns;
}

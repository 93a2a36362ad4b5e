// Start of the user's last turn: attachments from there on must be readable, earlier ones may be left out.

/**
 * Index of its first message. Images may have a message of their own beside the text about them; two messages with text are two turns
 * (clients leave out a failed response between them). `roles`: `user`, `model`, or any other value.
 */
export function lastTurnStart(roles: readonly (string | null)[], hasWords: (index: number) => boolean): number {
  let start = roles.lastIndexOf("user");
  if (start < 0) return 0;
  let isSaid = hasWords(start);
  for (let at = start - 1; at >= 0 && roles[at] !== "model"; at--) {
    if (roles[at] !== "user") continue;
    const words = hasWords(at);
    if (words && isSaid) break;
    isSaid ||= words;
    start = at;
  }
  return start;
}

/** Whether a message's content or parts, in any dialect, has text that is not blank. */
export function saysSomething(content: unknown): boolean {
  if (typeof content === "string") return content.trim() !== "";
  if (Array.isArray(content)) return content.some((part) => saysSomething(part));
  return typeof content === "object" && content !== null && "text" in content && saysSomething(content.text);
}

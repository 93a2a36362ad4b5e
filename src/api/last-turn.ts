// Where the user's last turn begins in a conversation: what is attached from there on has to be readable, what came before may be left out.

/** Index of its first message. `roles`: `user`, `model`, or anything else for what is neither. */
export function lastTurnStart(roles: readonly (string | null)[]): number {
  const last = roles.lastIndexOf("user");
  return last < 0 ? 0 : roles.slice(0, last).lastIndexOf("model") + 1;
}

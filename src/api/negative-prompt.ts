// Negative prompts, which no upstream has a field for: what is not wanted is said at the end of the prompt. Pure.

/** The prompt with what is not wanted, if anything. */
export function withNegativePrompt(prompt: string, unwanted: string | null | undefined): string {
  const words = unwanted?.trim();
  return words ? `${prompt}\n\nAvoid: ${words}` : prompt;
}

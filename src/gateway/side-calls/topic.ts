// Topic of a side call: the text that it is about, and its language.

/** What a reply may be made of. */
export type Topic = {
  /** The last thing that the person asked for. */
  subject: string;
  title: string;
  /** Texts whose language the reply is in. */
  said: string;
  model: string;
};

export function languageOf(text: string): string {
  if (/[\u3040-\u30ff]/.test(text)) return "Japanese";
  if (/[\uac00-\ud7af]/.test(text)) return "Korean";
  if (/[\u3400-\u9fff]/.test(text)) return "Chinese";
  if (/[\u0400-\u04ff]/.test(text)) return "Russian";
  if (/[\u0600-\u06ff]/.test(text)) return "Arabic";
  return "English";
}

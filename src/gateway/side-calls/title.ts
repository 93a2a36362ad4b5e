// Title from the words of a message. Pure.

const MAX_WORDS = 6;
const MAX_CJK = 12;
const MAX_SCAN = 400;

/** Words that ask and say nothing of what is asked for. */
const LEAD = new Set(
  "please can could would you hi hello hey i want need like to draw paint generate create make design show give me us a an the image picture photo illustration of drawing new".split(
    " ",
  ),
);
const CJK_LEAD = /^(?:请|帮我|给我|我想要|我要|画|绘制|生成|创建|设计|一张|一幅|一个|的图片|图片){1,6}/;

/** The first words of what is asked for, without Markdown, links and words of asking. */
export function titleOf(text: string): string {
  const plain = text
    .slice(0, MAX_SCAN)
    .replace(/!?\[[^\][]{0,80}\]\([^()\s]{0,300}\)?/g, " ")
    .replace(/(?:https?|data):\S{1,400}/g, " ")
    .replace(/<\/?[a-z_]{1,20}>?/gi, " ")
    .replace(/\s(?:Assistant|AI|Bot)\s?[:：][\s\S]*$/, " ")
    .replace(/[#*_`>"“”\n\r\t]/g, " ")
    .trim();
  if (/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/.test(plain)) {
    const bare = plain.replace(CJK_LEAD, "") || plain;
    return bare
      .split(/[。，,！!？?；;\n]/)[0]!
      .trim()
      .slice(0, MAX_CJK);
  }
  const words = plain.split(/\s+/).filter(Boolean);
  const from = words.findIndex((word) => !LEAD.has(word.toLowerCase().replace(/[,.!?]$/, "")));
  const stored = (from === -1 ? words : words.slice(from))
    .slice(0, MAX_WORDS)
    .join(" ")
    .replace(/(?: please)?[\s,.;:!?]{0,20}$/i, "");
  return stored.charAt(0).toUpperCase() + stored.slice(1);
}

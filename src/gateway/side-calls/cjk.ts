// Chinese, Japanese and Korean words of side calls: substrings, looked for anywhere. Pure.
import type { Target } from "./objects.ts";
import { CJK } from "./words.ts";

const CJK_CHARS = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]/;

export const isCjk = (text: string): boolean => CJK_CHARS.test(text);

/** "标题：你好": what the image has, not what is demanded. */
const LABEL = /^\s{0,5}(?:标题|主题|关键词|名字|角色|姓名|タイトル|제목)(?:[:：]|是|は|이|가)/;
/** "可以再亮一点吗", "小狗呢": a request in the form of a question. */
const REQUEST = /(?:可以|能|可不可以|可否).{0,40}[吗嗎么]|能不能|可不可以|呢[？?]?\s{0,3}$|できますか|してくれ|해줄 수|할 수 있나요|줄래/;

/** "一个回答问题的机器人": a thing that is described. */
const isThing = (text: string, name: Target): boolean =>
  /^\s{0,5}一[个個只张張位幅座条條朵棵辆群片]/.test(text) ||
  ((name === "text" || name === "translation") && /的[^，,。：:的]{1,6}$/.test(text.trim().slice(-40)));

export type CjkReading = {
  target: Target | null;
  isAbout: boolean;
  bounds: number;
  isVisual: boolean;
  isMotion: boolean;
  isQuestion: boolean;
};

export function readCjk(text: string): CjkReading {
  const ends = text.length > 400 ? text.slice(0, 240) + text.slice(-160) : text;
  const has = (list: readonly string[]) => list.some((piece) => ends.includes(piece));
  const found = Object.entries(CJK.nouns).flatMap(([name, list]) => {
    const at = Math.min(...list.map((piece) => ends.indexOf(piece)).filter((index) => index !== -1));
    return Number.isFinite(at) ? [{ name: name as Target, at }] : [];
  });
  // A title is what a summary for it is asked for: "总结为标题".
  const first = found.find(({ name }) => name === "title") ?? found.sort((a, b) => a.at - b.at)[0];
  return {
    target: first && !isThing(text, first.name) && !LABEL.test(text) ? first.name : null,
    isAbout: has(CJK.about),
    bounds: CJK.bounds.filter((piece) => ends.includes(piece)).length,
    isVisual: has(CJK.visual),
    isMotion: has(CJK.motion),
    isQuestion: has(CJK.question) && !REQUEST.test(ends),
  };
}

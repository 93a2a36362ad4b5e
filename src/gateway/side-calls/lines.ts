// Texts of local replies in place of an image, in the language of the client.
import { isCjk } from "./cjk.ts";

type Lines = { hello: string; help: string; more: string; followUps: readonly [string, string, string]; summary(topic: string): string };

const ENGLISH: Lines = {
  hello: "Hello! I make images: describe what you would like to see.",
  help: "I make images and videos: describe what you would like to see.",
  more: "To get another one, describe what should be different.",
  followUps: ["Make it night", "Make it 16:9", "Make it 4K"],
  summary: (topic) => (topic ? `The conversation is about images: ${topic}.` : "The conversation is about making images."),
};

const CHINESE: Lines = {
  hello: "你好！我可以生成图片：请描述你想看到的画面。",
  help: "我可以生成图片和视频：请描述你想看到的画面。",
  more: "想再来一张的话，请说明要改什么。",
  followUps: ["改成夜晚", "改成 16:9", "改成 4K"],
  summary: (topic) => (topic ? `对话内容是生成图片：${topic}。` : "对话内容是生成图片。"),
};

/** The lines in the language of the first text that has one. */
export const linesFor = (text: string): Lines => (isCjk(text) && !/[\u3040-\u30ff\uac00-\ud7af]/.test(text) ? CHINESE : ENGLISH);

// 简体中文：最近的操作及撤销。
import type { undo as en } from "../en/undo.ts";

type Did = Parameters<typeof en.did>[0];

const tokens = ({ count, name }: Did) => name ?? `${count} 个令牌`;
const words: Record<string, (did: Did) => string> = {
  "token.enable": (did) => `已启用 ${tokens(did)}`,
  "token.disable": (did) => `已停用 ${tokens(did)}`,
  "token.change": (did) => `已更改 ${tokens(did)}`,
  "token.delete": (did) => `已删除 ${tokens(did)}`,
  "key.enable": ({ name }) => `已启用密钥 ${name}`,
  "key.disable": ({ name }) => `已停用密钥 ${name}`,
  "key.update": ({ name }) => `已更改密钥 ${name}`,
  "key.delete": ({ name }) => `已删除密钥 ${name}`,
  "provider.pause": ({ name }) => `已暂停 ${name}`,
  "provider.resume": ({ name }) => `已恢复 ${name}`,
};

export const undo: typeof en = {
  title: "最近的操作",
  about: "十分钟内均可撤销。",
  none: "没有可撤销的操作。",
  did: (did) => words[did.action]?.(did) ?? did.action,
  undo: "撤销",
  undone: (did, skipped) => (skipped === 0 ? `已撤销：${did}。` : `已撤销：${did}。其中 ${skipped} 个值此后又被更改，保持不变。`),
  over: "已来不及撤销，或已撤销过。",
};

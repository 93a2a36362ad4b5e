// 简体中文: mistakes in forms.
import type { forms as en } from "../en/forms.ts";

const span = (min: number, max: number) => (max >= Number.MAX_SAFE_INTEGER ? `不小于 ${min}` : `${min} 到 ${max} 之间`);

export const forms: typeof en = {
  field: (name) => name.replaceAll("_", " "),
  mistakes: (count) => `有 ${count} 个字段需要修改。`,
  kept: "尚未保存；您输入的内容仍在。密码和文件需要重新填写。",
  busy: "正在保存…",
  required: "请填写此项。",
  tooLong: (max) => `最多 ${max} 个字符。`,
  pattern: "格式不正确。",
  whole: (min, max, required) => `请输入${span(min, max)}的整数${required ? "。" : "，或留空。"}`,
  decimal: (min, max, required) => `请输入${span(min, max)}的数字，例如 2.5${required ? "。" : "，或留空。"}`,
  atMost: (max) => `最多 ${max} 个。`,
  choice: "请从列表中选择。",
  typeNumber: (number) => `请输入 ${number}：这是目前涉及的数量。`,
};

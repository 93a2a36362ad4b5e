// 简体中文: mistakes in forms.
import type { forms as en } from "../en/forms.ts";

export const forms: typeof en = {
  field: (name) => name.replaceAll("_", " "),
  required: "必填",
  tooLong: (max) => `超过 ${max} 个字符`,
  pattern: "格式不正确",
  range: (min, max) => (max >= Number.MAX_SAFE_INTEGER ? `必须是不小于 ${min} 的数字` : `必须是 ${min} 到 ${max} 之间的数字`),
  choice: "不在可选项中",
};

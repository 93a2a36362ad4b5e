// 简体中文: words of the shared controls.
import type { controls as en } from "../en/controls.ts";

export const controls: typeof en = {
  copy: "复制",
  copied: "已复制",
  dismiss: "关闭",
  undo: "撤销",
  more: "更多",
  save: "保存",
  cancel: "取消",
  filters: "筛选",
  search: "搜索",
  next: "下一页",
  first: "第一页",
  none: "无",
  never: "从不",
  selectRow: (name) => `选择 ${name}`,
  selectAll: "选择本页全部",
  selected: "已选",
  sortBy: (column) => `按${column}排序`,
  health: { healthy: "正常", cooling: "冷却中", blocked: "已阻止", disabled: "已停用" },
  job: {
    queued: "排队中",
    submitting: "提交中",
    running: "运行中",
    storing: "保存中",
    completed: "已完成",
    failed: "失败",
    cancelled: "已取消",
    unknown: "未知",
  },
  outcome: { ok: "成功", failed: "失败" },
};

// 简体中文: words of plots.
import type { plot as en } from "../en/plot.ts";

export const plot: typeof en = {
  numbers: "数据",
  hour: "小时",
  day: "日期（UTC）",
};

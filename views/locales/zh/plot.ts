// 简体中文: words of plots.
import type { plot as en } from "../en/plot.ts";

export const plot: typeof en = {
  numbers: "数据",
  time: "时间（UTC）",
};

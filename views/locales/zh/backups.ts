// 简体中文: scheduled backups.
import type { backups as en } from "../en/backups.ts";

export const backups: typeof en = {
  title: "定时备份",
  every: "间隔（小时）",
  everyHint: "24 为每天，168 为每周；0 表示不备份。",
  hour: "起算时刻（UTC 小时）",
  keep: "保留的备份数量",
  save: "保存计划",
  saved: "计划已保存。",
  unchanged: "没有更改。",
  place: "存放于",
  placeHint: "可在设置文件或环境变量中用 backup.folder，或 backup.s3_url 及其密钥指定其他位置。最好不与数据在同一磁盘。",
  run: "立即备份到此处",
  ran: (name) => `已备份：${name}`,
  notRan: (why) => `备份失败。${why}`,
  stored: (count) => `共 ${count} 个备份`,
  running: "正在备份",
  failed: "失败",
  made: "备份于",
  none: "尚无备份",
  next: "下一次",
};

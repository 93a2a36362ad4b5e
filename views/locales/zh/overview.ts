// 简体中文: the overview.
import type { overview as en } from "../en/overview.ts";

export const overview: typeof en = {
  title: "概览",
  about: "当前运行情况。",
  inFlight: "处理中",
  images: "图片",
  videos: "视频",
  queued: "等待中",
  healthy: "正常令牌",
  cooling: "冷却中的令牌",
  blocked: "已阻止的令牌",
  disabled: "已停用的令牌",
  needs: "需要您处理",
  needsNothing: "没有需要您处理的事项。",
  noTokens: "还没有令牌，无法生成任何内容。",
  noKeys: "还没有密钥，客户端无法连接。",
  unfinished: "初始步骤尚未完成。",
  goOn: "继续",
  networkDown: "本机网络似乎已中断。",
  allHeld: "此刻没有可用的令牌。",
  clear: "立即重试",
  cleared: (label) => `${label} 将重新尝试。`,
};

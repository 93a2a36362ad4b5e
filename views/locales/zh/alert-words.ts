// 简体中文: what alert messages and the list of incidents say.
import type { AlertFacts, AlertFormat, AlertTexts, LimitFacts, OtherNeed } from "../../../src/gateway/alerts/facts.ts";
import { health } from "./health.ts";
import { tokens as tokenWords } from "./tokens.ts";

const { reasons, outcomes } = tokenWords;

const units: Record<LimitFacts["unit"], string> = { images: "张图片", videoSeconds: "秒视频", usd: "", requests: "次请求" };
const periods: Record<LimitFacts["period"], string> = { day: "每日", month: "每月", total: "总" };
const owners: Record<LimitFacts["of"], string> = { key: "密钥", token: "令牌", group: "分组" };
const other: Record<OtherNeed, string> = {
  noKeys: "还没有密钥：客户端无法连接",
  restored: "已恢复一个备份",
  linksUnreached: "客户端收到的链接在别处无法打开",
  modelsWrong: "模型与所写的不一致",
  webhooksWithoutUrl: "发送的 Webhook 中不含结果链接",
  unknown: "有事项需要处理",
};

function amount({ unit }: LimitFacts, value: number, format: AlertFormat): string {
  return unit === "usd" ? format.usd(value) : `${format.count(value)} ${units[unit]}`;
}

function retires({ title, provider, day, daysLeft }: Extract<AlertFacts, { kind: "retires" }>, format: AlertFormat): string {
  const where = `${format.provider(provider)} 的 ${title}`;
  return daysLeft < 0 ? `${where} 已于 ${day} 停用` : `${where} 将在 ${daysLeft} 天后（${day}）停用`;
}

export const alertWords: AlertTexts = {
  headline(facts, format) {
    switch (facts.kind) {
      case "poolEmpty":
        return facts.why === "noTokens" ? "没有令牌：无法生成" : "没有可用令牌：无法生成";
      case "providerOff":
        return `${format.provider(facts.provider)} 的全部 ${facts.count} 个令牌都已停用`;
      case "imagesLeft":
        return facts.left === 0 ? "按每日上限，今天已没有剩余图片" : `按每日上限，今天还剩 ${format.count(facts.left)} 张图片`;
      case "poolLow":
        return facts.healthy === 0
          ? `${format.provider(facts.provider)} 没有健康的令牌`
          : `${format.provider(facts.provider)} 只有 ${facts.healthy} 个健康的令牌`;
      case "tokens":
        return facts.families.length > 0
          ? `${format.provider(facts.provider)} 的 ${facts.count} 个令牌（部分模型）：${reasons[facts.reason]}`
          : `${format.provider(facts.provider)} 的 ${facts.count} 个令牌：${reasons[facts.reason]}`;
      case "jobs":
        return `${facts.count} 个任务可能已计费，等待您决定`;
      case "ledger":
        return "无法记录费用，因此不生成任何内容";
      case "network":
        return "所有上游均无应答：本服务器的网络可能已断开";
      case "node":
        if (facts.what === "models") return `节点 ${facts.node}：其模型文件有误`;
        return facts.what === "ledger"
          ? `节点 ${facts.node} 无法记录费用，因此不生成任何内容`
          : `节点 ${facts.node} 无法连接任何上游：其网络可能已断开`;
      case "disk":
        return facts.stops ? "磁盘已满：生成请求被拒绝" : `磁盘仅剩 ${format.bytes(facts.freeBytes)}`;
      case "errors":
        return `${facts.minutes} 分钟内 ${format.count(facts.percent)}% 的生成请求失败`;
      case "limit":
        return `${owners[facts.of]} ${facts.name} 已用${periods[facts.period]}限额 ${amount(facts, facts.limit, format)} 的 ${facts.percent}%`;
      case "backup":
        if (facts.error !== null) return "最近一次备份失败";
        return facts.at === null ? "没有备份" : `最近一次备份是 ${facts.days} 天前`;
      case "retires":
        return retires(facts, format);
      case "signIn":
        return `${facts.actor} 从新地址 ${facts.address} 登录`;
      case "channel":
        return `无法通过 ${facts.name} 发送告警`;
      case "other":
        return other[facts.need];
    }
  },
  detail(facts, format) {
    switch (facts.kind) {
      case "poolEmpty":
        return facts.until === null ? "" : `第一个令牌将于 ${format.time(facts.until)} 恢复。`;
      case "tokens": {
        const named = facts.families.length > 0 ? facts.families : facts.names;
        const rest = facts.families.length > 0 ? 0 : facts.count - facts.names.length;
        const list = named.length === 0 ? "" : `${named.join("、")}${rest > 0 ? ` 等 ${facts.count} 个` : ""}。`;
        return `${list}${health[facts.reason]}`;
      }
      case "imagesLeft":
        return `少于 ${format.count(facts.below)} 张。上限于 ${format.time(facts.until)} 重新开始计算。`;
      case "poolLow":
        return `少于 ${facts.below} 个。`;
      case "jobs":
        return facts.usd > 0 ? `最多 ${format.usd(facts.usd)}。` : "";
      case "errors":
        return `${facts.total} 个中有 ${facts.failed} 个，主要原因：${outcomes[facts.outcome as keyof typeof outcomes] ?? facts.outcome}。`;
      case "limit": {
        const until = facts.until === null ? "" : `将于 ${format.time(facts.until)} 重新计算。`;
        return `已用 ${amount(facts, facts.used, format)}。${until}`;
      }
      case "backup":
        return facts.error ?? (facts.at === null ? "" : `备份时间：${format.time(facts.at)}。`);
      case "node":
        return facts.problem;
      case "channel":
        return facts.error;
      case "other":
        return facts.detail;
      default:
        return "";
    }
  },
  telling: { begin: "新", raise: "加重", remind: "仍在持续", end: "已结束", past: "期间已结束" },
  several: (count) => `${count} 个事件`,
  more: (count) => `另有 ${count} 个`,
  lasted: (duration) => `持续了 ${duration}。`,
  test: { title: "测试消息", text: (channel) => `渠道“${channel}”可用。告警将发送到这里。` },
};

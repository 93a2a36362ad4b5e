// 简体中文: side calls of clients.
import type { sideCalls as en } from "../en/side-calls.ts";

export const sideCalls: typeof en = {
  title: "附带请求",
  about:
    "客户端自动发送的请求：标题、标签、健康检查等，在本地响应且不计费。看起来像附带请求但仍被生成的请求列在下方；添加规则后，同类请求即视为附带请求。",
  answered: "本地响应",
  generated: "已生成，疑似附带请求",
  month: (count) => `30 天内 ${count} 次`,
  suspects: "疑似附带请求的已生成请求",
  suspectsHint: "自上次启动起保存在内存中。文本为此类请求共同的开头。",
  noSuspects: "自上次启动以来没有。",
  rules: "您的规则",
  rulesHint: "此类请求从下一次起在本地响应。设为始终生成的密钥不受影响。",
  noRules: "没有规则。",
  columns: { text: "开头", kind: "生成", tokens: "token 上限", signs: "特征", count: "次数", last: "最近", key: "密钥", since: "始于" },
  signs: {
    probe: "连接测试",
    marker: "标记为任务",
    tokens: "允许的输出很少",
    asks: "要求文本",
    task: "索要文本",
    conversation: "关于对话",
    bounds: "限定响应",
    json: "JSON 格式",
    system: "指令索要文本",
  },
  repeated: "重复出现",
  kinds: { image: "图片", video: "视频" },
  treat: "将此类请求视为附带请求",
  treated: (text) => `以“${text}”开头的请求从现在起视为附带请求。`,
  remove: "删除规则",
  removed: "规则已删除：此类请求将再次生成。",
  full: "规则过多：请先删除一条。",
  gone: "此类请求已不在内存中。",
  all: "所有附带请求与规则",
};

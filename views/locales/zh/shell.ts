// 简体中文: what every page shares.
import type { shell as en } from "../en/shell.ts";

export const shell: typeof en = {
  product: "flow2api",
  skip: "跳到正文",
  menu: "页面",
  nav: {
    overview: "概览",
    tokens: "令牌",
    keys: "密钥",
    playground: "试验场",
    gallery: "图库",
    jobs: "任务",
    requests: "请求",
    usage: "用量",
    settings: "设置",
    system: "系统",
    api: "API",
    account: "账户",
  },
  signOut: "退出登录",
  theme: { label: "主题", light: "浅色", dark: "深色", system: "跟随系统" },
  language: "语言",
  insecure: "此连接未加密：密码和密钥可能在途中被读取。请在前面启用 HTTPS，或仅在本机使用。",
  simulated: "演示：所有结果均为模拟，演示停止后这里的一切都会消失。",
  shortcuts: {
    title: "键盘快捷键",
    go: "再按页面字母：前往该页",
    search: "搜索",
    rows: "下一行和上一行",
    select: "选中该行",
    open: "打开该行",
    help: "显示此列表",
    close: "关闭",
  },
};

// 简体中文: signing in.
import type { login as en } from "../en/login.ts";

export const login: typeof en = {
  title: "登录",
  username: "用户名",
  password: "管理员密码",
  submit: "登录",
  wrong: "用户名或密码错误。",
  wait: (time) => `错误次数过多，请在 ${time} 后重试。`,
  firstTime: "第一次使用？一次性密码在启动服务的终端中显示，或保存在数据目录的 first-start.txt 中。",
  over: "操作超时，请重新登录。",
  unlisted: (subject) =>
    `单点登录将您识别为 ${subject}，但这里没有任何名单包含它。请管理员将它或您的某个组加入 sign_in.viewers、operators 或 admins。`,
  goOn: "您已登录，继续前往管理面板。",
  codeTitle: "两步登录",
  code: "验证码",
  codeHint: "身份验证器应用中的六位数字，或一个恢复码。",
  wrongCode: "验证码错误或已使用过，请等待下一个。",
  otherAccount: "返回",
  noCode: "手边没有验证码？以下命令会关闭两步登录，请在服务器上运行：",
  forgotten: "忘记密码？在服务器上运行：",
};

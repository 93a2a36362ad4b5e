// 简体中文: signing in.
import type { login as en } from "../en/login.ts";

export const login: typeof en = {
  title: "登录",
  password: "管理员密码",
  submit: "登录",
  wrong: "密码错误。",
  wait: (time) => `错误次数过多，请在 ${time} 后重试。`,
  firstTime: "第一次使用？一次性密码在启动服务的终端中显示，或保存在数据目录的 first-start.txt 中。",
  forgotten: "忘记密码？在服务器上运行：",
};

// 简体中文: failures that the operator sees.
import type { errors as en } from "../en/errors.ts";

export const errors: typeof en = {
  title: "操作未成功",
  page: "无法显示此页面",
  internal: "内部错误，详情见日志。",
  notFound: "页面不存在。",
  form: "请检查标出的内容。",
  sessionOver: "您已退出登录，请重新登录后继续。",
  wrongOrigin: "该请求来自其他网站，已被拒绝。",
  staleForm: "表单已过期，请刷新页面后重试。",
  notAllowed: "管理后台不对此地址开放。",
  roleMissing: "您的账户无权执行此操作，请联系管理员。",
  ssoFailed: "单点登录失败。",
  back: "返回概览",
  tooLarge: "发送的内容过大。",
};

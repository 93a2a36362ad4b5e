// 简体中文, section by section.

import type { Messages } from "./en.ts";
import { controls } from "./zh/controls.ts";
import { errors } from "./zh/errors.ts";
import { shell } from "./zh/shell.ts";

export const zh: Messages = {
  controls,
  errors,
  shell,
};

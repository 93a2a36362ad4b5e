// 简体中文, section by section.

import type { Messages } from "./en.ts";
import { account } from "./zh/account.ts";
import { alerts } from "./zh/alerts.ts";
import { backups } from "./zh/backups.ts";
import { controls } from "./zh/controls.ts";
import { errors } from "./zh/errors.ts";
import { failures } from "./zh/failures.ts";
import { forms } from "./zh/forms.ts";
import { gallery } from "./zh/gallery.ts";
import { health } from "./zh/health.ts";
import { jobs } from "./zh/jobs.ts";
import { keys } from "./zh/keys.ts";
import { login } from "./zh/login.ts";
import { overview } from "./zh/overview.ts";
import { playground } from "./zh/playground.ts";
import { plot } from "./zh/plot.ts";
import { requests } from "./zh/requests.ts";
import { search } from "./zh/search.ts";
import { models, settings } from "./zh/settings.ts";
import { welcome } from "./zh/setup.ts";
import { shell } from "./zh/shell.ts";
import { sideCalls } from "./zh/side-calls.ts";
import { api, system } from "./zh/system.ts";
import { tokens } from "./zh/tokens.ts";
import { undo } from "./zh/undo.ts";
import { usage } from "./zh/usage.ts";

export const zh: Messages = {
  controls,
  errors,
  failures,
  forms,
  health,
  keys,
  login,
  models,
  account,
  alerts,
  backups,
  api,
  overview,
  playground,
  jobs,
  gallery,
  plot,
  settings,
  requests,
  search,
  shell,
  sideCalls,
  system,
  tokens,
  undo,
  usage,
  welcome,
};

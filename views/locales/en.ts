// English, section by section. Its shape is the contract of every other language.

import { account } from "./en/account.ts";
import { alerts } from "./en/alerts.ts";
import { backups } from "./en/backups.ts";
import { controls } from "./en/controls.ts";
import { errors } from "./en/errors.ts";
import { failures } from "./en/failures.ts";
import { forms } from "./en/forms.ts";
import { gallery } from "./en/gallery.ts";
import { health } from "./en/health.ts";
import { jobs } from "./en/jobs.ts";
import { keys } from "./en/keys.ts";
import { login } from "./en/login.ts";
import { overview } from "./en/overview.ts";
import { playground } from "./en/playground.ts";
import { plot } from "./en/plot.ts";
import { requests } from "./en/requests.ts";
import { search } from "./en/search.ts";
import { models, settings } from "./en/settings.ts";
import { welcome } from "./en/setup.ts";
import { shell } from "./en/shell.ts";
import { sideCalls } from "./en/side-calls.ts";
import { api, system } from "./en/system.ts";
import { tokens } from "./en/tokens.ts";
import { undo } from "./en/undo.ts";
import { usage } from "./en/usage.ts";

export const en = {
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

/** Every text of the admin. A language that lacks one does not compile. */
export type Messages = typeof en;

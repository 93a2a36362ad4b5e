// English, section by section. Its shape is the contract of every other language.
import { controls } from "./en/controls.ts";
import { errors } from "./en/errors.ts";
import { shell } from "./en/shell.ts";

export const en = {
  controls,
  errors,
  shell,
};

/** Every text of the admin. A language that lacks one does not compile. */
export type Messages = typeof en;

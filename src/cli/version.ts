// flow2api version: name and version.
import { VERSION } from "../version.ts";
import { defineVerb, FOLDER_OPTIONS } from "./verb.ts";

export const version = defineVerb({
  name: "version",
  summary: "Print name and version.",
  options: FOLDER_OPTIONS,
  async run({ io }) {
    io.stdout(`flow2api ${VERSION}\n`);
    return 0;
  },
});

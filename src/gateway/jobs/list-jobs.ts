// Job list of the admin: filters by state, kind and key, pages, and the options of a job in words.
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { JobState } from "../../domain/job.ts";
import { readImageSpec } from "./image-spec.ts";
import { isSettled } from "./job-state.ts";
import { readVideoSpec } from "./video-spec.ts";

/** Groups of states, by their word in the query string. */
export const STATE_GROUPS = {
  open: ["queued", "submitting", "running", "storing"],
  unknown: ["unknown"],
  completed: ["completed"],
  failed: ["failed"],
  cancelled: ["cancelled"],
} as const satisfies Record<string, readonly JobState[]>;
export type StateGroup = keyof typeof STATE_GROUPS;

/** An empty string matches all. */
export type JobListQuery = {
  state: StateGroup | "";
  kind: "" | "image" | "video";
  /** Id of a key, as a decimal. */
  key: string;
  /** Id of the last job of the page before. */
  after: string;
};

/** Reads the query string; values that are not valid become empty. */
export function readJobQuery(params: URLSearchParams): JobListQuery {
  const [state, kind, key, after] = ["state", "kind", "key", "after"].map((name) => params.get(name) ?? "") as [
    string,
    string,
    string,
    string,
  ];
  return {
    state: Object.hasOwn(STATE_GROUPS, state) ? (state as StateGroup) : "",
    kind: kind === "image" || kind === "video" ? kind : "",
    key: /^\d{1,15}$/.test(key) ? key : "",
    after: /^\w{1,60}$/.test(after) ? after : "",
  };
}

/** Newest first. */
export async function pageOfJobs(
  store: Pick<JobStore, "listJobs">,
  { state, kind, key, after }: JobListQuery,
  size: number,
): Promise<{ jobs: JobRow[]; next: string | null }> {
  const rows = await store.listJobs({
    keyId: key === "" ? null : Number(key),
    order: "desc",
    limit: size + 1,
    ...(after && { after }),
    ...(kind && { kind }),
    ...(state && { states: STATE_GROUPS[state] }),
  });
  const jobs = rows.slice(0, size);
  return { jobs, next: rows.length > size ? (jobs.at(-1)?.id ?? null) : null };
}

/** Whether its state still changes without the operator. */
export const isUnderWay = ({ state }: Pick<JobRow, "state">): boolean => !isSettled(state);

/** A URL without user, password and query, which may hold secrets; empty when it is not a URL. */
export function bareUrl(url: string): string {
  if (!URL.canParse(url)) return "";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** Options of a job besides its prompt, in short words and a fixed order (`16:9`, `2K`, `8 s`); without those left to the model. */
export function jobParameters(job: JobRow): string[] {
  const words: (string | number | null | undefined | false)[] = [];
  if (job.kind === "image") {
    const { n, options } = readImageSpec(job.plan);
    const { aspect, size, thinking, seed } = options;
    words.push(aspect, size, thinking && `thinking ${thinking}`, n > 1 && `n ${n}`, seed !== undefined && `seed ${seed}`);
  } else {
    const { fits, seed } = readVideoSpec(job.plan);
    const quality = Object.values(fits)[0]?.quality;
    const { mode, aspect, resolution, seconds } = job;
    words.push(
      mode?.replaceAll("_", " "),
      aspect,
      resolution,
      quality,
      seconds !== null && `${seconds} s`,
      seed !== undefined && `seed ${seed}`,
    );
  }
  return words.filter((word): word is string => typeof word === "string" && word !== "");
}

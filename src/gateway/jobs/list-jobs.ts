// Jobs as the operator looks through them: by state, kind and key, page by page; and what of a job's address may be shown.
import type { JobRow, JobStore } from "../../db/jobs.ts";
import type { JobState } from "../../domain/job.ts";
import { isSettled } from "./job-state.ts";

/** Groups of states, by the word that an address has for them. */
export const STATE_GROUPS = {
  open: ["queued", "submitting", "running", "storing"],
  unknown: ["unknown"],
  completed: ["completed"],
  failed: ["failed"],
  cancelled: ["cancelled"],
} as const satisfies Record<string, readonly JobState[]>;
export type StateGroup = keyof typeof STATE_GROUPS;

/** Empty texts: all. */
export type JobListQuery = {
  state: StateGroup | "";
  kind: "" | "image" | "video";
  /** Id of a key. */
  key: string;
  /** Id of the last job of the page before. */
  after: string;
};

/** Reads an address; what cannot be read is left out. */
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

/** Whether something still happens to it by itself. */
export const isUnderWay = ({ state }: Pick<JobRow, "state">): boolean => !isSettled(state);

/** An address without what may be a secret: user, password and query. */
export function bareUrl(url: string): string {
  if (!URL.canParse(url)) return "";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

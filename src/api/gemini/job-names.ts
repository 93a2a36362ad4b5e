// Names of jobs: operations, interactions and files of finished videos are one job under several ids.
import type { Job } from "../../domain/job.ts";

const VIDEO = "video_";
const INTERACTION = "v1_";

/** The part of a job's id that is letters and digits alone, as files and operations need it. */
export const plainId = ({ id }: Pick<Job, "id">): string => id.slice(id.indexOf("_") + 1);

/** The video job behind the id of a file or an operation. */
export const videoJobId = (id: string): string => `${VIDEO}${id}`;

export const interactionId = ({ id }: Pick<Job, "id">): string => `${INTERACTION}${id}`;

/** The job behind an interaction's id; null for an id of another form. */
export const interactionJobId = (id: string): string | null => (id.startsWith(INTERACTION) ? id.slice(INTERACTION.length) : null);

/** Where a finished video is downloaded, in the form that Google's SDKs take apart. */
export const videoUri = (origin: string, job: Pick<Job, "id">): string => `${origin}/v1beta/files/${plainId(job)}:download?alt=media`;

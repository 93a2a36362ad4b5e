// What a refusal means that only Vertex gives: shared capacity, a location without the model, a role or an API that is missing. Pure.
// Sources: error pages of docs.cloud.google.com (error-code-429, api-errors), google.api.ErrorReason, public reports; read 2026-11-29.
import { AppError, type FailureDetail } from "../../errors.ts";
import type { GoogleError } from "../google-error.ts";
import { sentenceMeaning } from "../known-sentences.ts";

const refused = (kind: AppError["kind"], status: number, message: string, detail: FailureDetail): AppError =>
  new AppError(kind, message, { detail, upstreamStatus: status });

/** Reasons of ErrorInfo that say what the operator has to do in the cloud's console. */
export const VERTEX_REASONS: Readonly<Record<string, { message: string; detail: FailureDetail }>> = {
  IAM_PERMISSION_DENIED: {
    message:
      "The service account may not use Vertex AI in this project: give it the role Vertex AI User (roles/aiplatform.user) in IAM. It takes effect within minutes.",
    detail: { scope: "token", reason: "iam_denied" },
  },
  SERVICE_DISABLED: {
    message:
      "The Vertex AI API is not enabled in this project: enable aiplatform.googleapis.com in the console. It takes effect within minutes.",
    detail: { scope: "group", reason: "api_disabled" },
  },
  CONSUMER_INVALID: {
    message: "The project of this service account does not exist, or not any more: create a key in a project that does.",
    detail: { scope: "token", reason: "project_missing" },
  },
};

const NOT_IN_LOCATION =
  'Vertex AI does not have this model in the location of this token: set its location to "global", or to one that has the model. If it is "global", the model has been retired or the project has no access to it.';

/** A quota of the project, which the message names. */
const OWN_QUOTA = "quota exceeded for";

/** Null: it means what it means everywhere. `now` in epoch ms. */
export function vertexRefusal(google: GoogleError, status: number, now: number): AppError | null {
  const known = google.reasons.find((reason) => Object.hasOwn(VERTEX_REASONS, reason));
  if (known && (google.status === "PERMISSION_DENIED" || status === 403)) {
    const { message, detail } = VERTEX_REASONS[known]!;
    return refused("upstream_unauthorized", status, message, detail);
  }
  if (google.status === "PERMISSION_DENIED" && google.message.includes("aiplatform.endpoints.predict")) {
    const { message, detail } = VERTEX_REASONS.IAM_PERMISSION_DENIED!;
    return refused("upstream_unauthorized", status, message, detail);
  }
  if (google.status === "NOT_FOUND" || (google.status === null && status === 404))
    return refused("upstream_model_denied", status, NOT_IN_LOCATION, { scope: "token_model", reason: "not_in_location" });
  if (google.status === "RESOURCE_EXHAUSTED" || (google.status === null && status === 429)) return quotaRefusal(google, status, now);
  return null;
}

function quotaRefusal(google: GoogleError, status: number, now: number): AppError | null {
  const { violations, reasons, message, retryMs } = google;
  if (violations.length > 0 || reasons.length > 0 || sentenceMeaning("RESOURCE_EXHAUSTED", message)) return null;
  const until = retryMs === null ? {} : { until: now + retryMs };
  const words = message.toLowerCase();
  if (words.includes(OWN_QUOTA)) {
    const isDaily = words.includes("per_day") || words.includes("per day");
    return refused(
      isDaily ? "upstream_quota" : "upstream_rate_limited",
      status,
      isDaily ? "The daily quota of the token's project is used up." : "Vertex AI limits the rate of the token's project.",
      { scope: "group_model", reason: isDaily ? "per_day" : "per_minute", ...(isDaily ? {} : until) },
    );
  }
  // Dynamic shared quota: capacity of the model for everybody in this location, whatever the project has used.
  return refused("upstream_rate_limited", status, "Vertex AI has no capacity for this model in this location at the moment.", {
    scope: "location_model",
    reason: "shared_capacity",
    ...until,
  });
}

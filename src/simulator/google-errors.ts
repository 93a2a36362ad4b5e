// Errors in Google's envelope, and the reply of every fault that refuses.
// Sources: google.rpc.Status and error_details.proto; Gemini API troubleshooting guide (read 2026-11-23); public reports for Flow's reasons.
import { jsonReply, Refusal, type Reply } from "./exchange.ts";
import type { FaultName } from "./fault-table.ts";

const STATUS_OF: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** `{"error":{code,message,status,details?}}` with the status word that goes with the code unless set otherwise. */
export function googleError(code: number, message: string, details?: unknown[], status = STATUS_OF[code] ?? "UNKNOWN"): Reply {
  return jsonReply({ error: { code, message, status, ...(details ? { details } : {}) } }, code);
}

/** A 400 INVALID_ARGUMENT to throw; `field` adds a BadRequest detail. */
export function invalidArgument(message: string, field?: string): Refusal {
  const details = field
    ? [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field, description: message }] }]
    : undefined;
  return new Refusal(googleError(400, message, details));
}

/** The other envelope, of the Interactions API: the code is a word. */
export function interactionError(status: number, code: string, message: string): Reply {
  return jsonReply({ error: { message, code } }, status);
}

/** Any error reply, ready to throw. */
export function refusalOf(reply: Reply): Refusal {
  return new Refusal(reply);
}

/** The detail that carries Google's machine-readable reason. */
export function errorInfo(reason: string, domain = "googleapis.com"): unknown {
  return {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason,
    domain,
    metadata: { service: "generativelanguage.googleapis.com" },
  };
}

const flowReason = (reason: string): unknown[] => [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason }];

export const API_KEY_INVALID = googleError(400, "API key not valid. Please pass a valid API key.", [errorInfo("API_KEY_INVALID")]);
export const KEY_LEAKED = googleError(403, "Your API key was reported as leaked. Please use another API key.");
export const KEY_SUSPENDED = googleError(403, "Permission denied: Consumer has been suspended.", [errorInfo("CONSUMER_SUSPENDED")]);
export const NO_BILLING = googleError(
  400,
  "This model is only available to projects with billing enabled. Please enable billing on your project in Google AI Studio.",
  undefined,
  "FAILED_PRECONDITION",
);
export const BAD_LOCATION = googleError(400, "User location is not supported for the API use.", undefined, "FAILED_PRECONDITION");
const CANCELLED = jsonReply(
  {
    error: {
      code: 499,
      message: "The operation was cancelled.",
      errors: [{ message: "The operation was cancelled.", domain: "global", reason: "backendError" }],
      status: "CANCELLED",
    },
  },
  499,
);
export const ACCESS_TOKEN_INVALID = googleError(
  401,
  "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
);

/** Vertex's dynamic shared quota, in words alone (error-code-429 page, read 2026-11-29). */
const SHARED_CAPACITY = googleError(
  429,
  "Resource exhausted. Please try again later. Please refer to https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
);
const aiplatform = (reason: string, metadata: Record<string, string> = {}) => ({
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  reason,
  domain: "googleapis.com",
  metadata: { service: "aiplatform.googleapis.com", ...metadata },
});
export const API_DISABLED = googleError(
  403,
  "Vertex AI API has not been used in project before or it is disabled. Enable it by visiting the console, then retry.",
  [aiplatform("SERVICE_DISABLED")],
);
export const PROJECT_MISSING = googleError(403, "Permission denied on resource project.", [aiplatform("CONSUMER_INVALID")]);

/** What the account may not do to this resource. */
export const iamDenied = (resource: string): Reply =>
  googleError(
    403,
    `Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/${resource}' (or it may not exist).`,
    [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: "IAM_PERMISSION_DENIED",
        domain: "aiplatform.googleapis.com",
        metadata: { permission: "aiplatform.endpoints.predict", resource },
      },
    ],
  );

export const notInLocation = (place: string, model: string): Reply =>
  googleError(
    404,
    `Publisher Model \`${place}/publishers/google/models/${model}\` was not found or your project does not have access to it. Please ensure you are using a valid model version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions`,
  );

/** RFC 6749, section 5.2. */
export const oauthError = (error: string, description: string): Reply => jsonReply({ error, error_description: description }, 400);

type Quota = { metric: string; id: string; value: string; model: string; retryDelay: string };

function quotaError(message: string, quota: Quota): Reply {
  return googleError(429, message, [
    {
      "@type": "type.googleapis.com/google.rpc.Help",
      links: [{ description: "Learn more about Gemini API quotas", url: "https://ai.google.dev/gemini-api/docs/rate-limits" }],
    },
    {
      "@type": "type.googleapis.com/google.rpc.QuotaFailure",
      violations: [
        {
          quotaMetric: `generativelanguage.googleapis.com/${quota.metric}`,
          quotaId: quota.id,
          quotaDimensions: { location: "global", model: quota.model },
          quotaValue: quota.value,
        },
      ],
    },
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: quota.retryDelay },
  ]);
}

const EXCEEDED = "You exceeded your current quota, please check your plan and billing details.";

function exceeded(metric: string, limit: number, model: string): string {
  return `${EXCEEDED}\n* Quota exceeded for metric: generativelanguage.googleapis.com/${metric}, limit: ${limit}, model: ${model}`;
}

function perMinute(model: string, seconds: string): Reply {
  const metric = "generate_content_paid_tier_requests";
  const quota = {
    metric,
    id: "GenerateRequestsPerMinutePerProjectPerModel-PaidTier1",
    value: "10",
    model,
    retryDelay: `${seconds || 47}s`,
  };
  return quotaError(`${exceeded(metric, 10, model)}\nPlease retry in ${seconds || 47}s.`, quota);
}

function perDay(model: string): Reply {
  const metric = "generate_content_paid_tier_requests";
  const quota = { metric, id: "GenerateRequestsPerDayPerProjectPerModel-PaidTier1", value: "250", model, retryDelay: "18s" };
  return quotaError(`${exceeded(metric, 250, model)}\nPlease retry in 18s.`, quota);
}

function limitZero(model: string): Reply {
  const metric = "generate_content_free_tier_requests";
  const quota = { metric, id: "GenerateRequestsPerDayPerProjectPerModel-FreeTier", value: "0", model, retryDelay: "31s" };
  return quotaError(`${exceeded(metric, 0, model)}\nPlease retry in 31s.`, quota);
}

function tokensPerMinute(model: string): Reply {
  const metric = "generate_content_paid_tier_input_token_count";
  const quota = {
    metric,
    id: "GenerateContentInputTokensPerModelPerMinute-PaidTier1",
    value: "1000000",
    model,
    retryDelay: "3.299376739s",
  };
  return quotaError(`${exceeded(metric, 1_000_000, model)}\nPlease retry in 3.299376739s.`, quota);
}

const policy = (reason: string): Reply => googleError(400, "Request contains an invalid argument.", flowReason(reason));
const verification = (reason: string): Reply => googleError(403, "reCAPTCHA evaluation failed", flowReason(reason));

/** A model that is gone for good. */
export function retiredModel(model: string): Reply {
  return googleError(404, `This model models/${model} is no longer available. Please update your code to use a newer model.`);
}

/** A model that never was, or does not do this. */
export function unknownModel(model: string, version: string, method: string): Reply {
  return googleError(
    404,
    `models/${model} is not found for API version ${version}, or is not supported for ${method}. Call ListModels to see the list of available models and their supported methods.`,
  );
}

type RefusalContext = { model: string; argument: string };

const REFUSALS: Partial<Record<FaultName, (context: RefusalContext) => Reply>> = {
  "500": () => googleError(500, "Internal error encountered."),
  "502": () => ({ status: 502, body: "" }),
  "503": () => googleError(503, "The model is overloaded. Please try again later."),
  "504": () => googleError(504, "Deadline expired before operation could complete."),
  "array-error": () => jsonReply([{ error: { code: 503, message: "The service is currently unavailable.", status: "UNAVAILABLE" } }], 503),
  invalid: () => googleError(400, "Request contains an invalid argument."),
  "not-found": () => googleError(404, "Requested entity was not found."),
  "bad-key": () => API_KEY_INVALID,
  "expired-key": () => googleError(400, "API key expired. Please renew the API key.", [errorInfo("API_KEY_INVALID")]),
  leaked: () => KEY_LEAKED,
  suspended: () => KEY_SUSPENDED,
  "service-blocked": () =>
    googleError(403, "Requests to this API generativelanguage.googleapis.com are blocked.", [errorInfo("API_KEY_SERVICE_BLOCKED")]),
  "service-disabled": () =>
    googleError(403, "Generative Language API has not been used in this project before or it is disabled.", [
      errorInfo("SERVICE_DISABLED"),
    ]),
  billing: () => NO_BILLING,
  location: () => BAD_LOCATION,
  retired: ({ model }) => retiredModel(model),
  unsupported: ({ model }) => unknownModel(model, "v1beta", "generateContent"),
  "429-minute": ({ model, argument }) => perMinute(model, argument),
  "429-day": ({ model }) => perDay(model),
  "429-limit-zero": ({ model }) => limitZero(model),
  "429-tokens": ({ model }) => tokensPerMinute(model),
  "429-retry": ({ argument }) => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${argument || 1}s` }];
    return googleError(429, "Resource has been exhausted (e.g. check quota).", details);
  },
  "429-prepaid": () =>
    googleError(429, "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage your project."),
  "429-spending-cap": () => googleError(429, "Your project has exceeded its monthly spending cap."),
  "billing-disabled": () => googleError(403, "This API method requires billing to be enabled.", [errorInfo("BILLING_DISABLED")]),
  "499": () => CANCELLED,
  "499-array": () => ({ ...CANCELLED, body: `[${CANCELLED.body}]` }),
  "409": () => googleError(409, "The operation was aborted."),
  "corrupted-signature": () => googleError(400, "Corrupted thought signature."),
  "fresh-404": () => interactionError(404, "not_found", "Interaction not found."),
  "429-nodetails": () => googleError(429, "Resource has been exhausted (e.g. check quota)."),
  "429-string": () => interactionError(429, "too_many_requests", EXCEEDED),
  "string-code": () => interactionError(400, "invalid_request", "Request contains an invalid argument."),
  unsafe: () => policy("PUBLIC_ERROR_UNSAFE_GENERATION"),
  sexual: () => policy("PUBLIC_ERROR_SEXUAL"),
  minor: () => policy("PUBLIC_ERROR_MINOR"),
  violence: () => policy("PUBLIC_ERROR_VIOLENCE_FILTER"),
  danger: () => policy("PUBLIC_ERROR_DANGER_FILTER"),
  "prominent-people": () => policy("PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED"),
  "ip-input": () => policy("PUBLIC_ERROR_IP_INPUT_IMAGE"),
  verification: () => verification("PUBLIC_ERROR_UNUSUAL_ACTIVITY"),
  "verification-traffic": () => verification("PUBLIC_ERROR_UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC"),
  "verification-wrong": () => verification("PUBLIC_ERROR_SOMETHING_WENT_WRONG"),
  "verification-nodetails": () => googleError(403, "reCAPTCHA evaluation failed"),
  "model-denied": () => googleError(403, "The caller does not have permission", flowReason("PUBLIC_ERROR_MODEL_ACCESS_DENIED")),
  quota: () => googleError(429, "Resource has been exhausted (e.g. check quota).", flowReason("PUBLIC_ERROR_USER_QUOTA_REACHED")),
  throttled: () => googleError(429, "Quota exceeded for requests per minute.", flowReason("PUBLIC_ERROR_USER_REQUESTS_THROTTLED")),
  "high-traffic": () => googleError(503, "The service is currently unavailable.", flowReason("PUBLIC_ERROR_HIGH_TRAFFIC")),
  unauthorized: () => ACCESS_TOKEN_INVALID,
  dead: () => jsonReply({}),
  "429-shared": () => SHARED_CAPACITY,
  "not-in-location": ({ model }) => notInLocation("projects/simulated/locations/us-central1", model),
  iam: ({ model }) => iamDenied(`projects/simulated/locations/global/publishers/google/models/${model}`),
  "api-disabled": () => API_DISABLED,
  "project-missing": () => PROJECT_MISSING,
  "token-expired": () => ACCESS_TOKEN_INVALID,
  "grant-refused": () => oauthError("invalid_grant", "Invalid grant: account not found"),
};

/** The reply of a fault of stage `refusal`. */
export function refusalReply(fault: FaultName, context: RefusalContext): Reply {
  const make = REFUSALS[fault];
  if (!make) throw new Error(`no refusal is written for the fault ${fault}`);
  return make(context);
}

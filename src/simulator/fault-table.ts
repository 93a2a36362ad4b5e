// The vocabulary of misbehaviour: every fault by name, what it does and where it applies.

/** `refusal`: an error answers instead of the work. `content`: the work is done and its reply says something else. `delivery`: how a reply travels. */
export type FaultStage = "refusal" | "content" | "delivery";

export type FaultInfo = {
  description: string;
  stage: FaultStage;
  /** Operations it fits, or a beginning that ends in a dot; absent: all. */
  fits?: readonly string[];
  /** What stands in parentheses after the name, when it takes something. */
  argument?: string;
};

const GEMINI = ["gemini."];
const FLOW = ["flow."];
const VERTEX = ["vertex."];
const VERTEX_WORK = ["vertex.generate", "vertex.count-tokens", "vertex.interaction"];
const IMAGES = ["gemini.generate", "vertex.generate"];
const OMNI = ["gemini.interaction", "gemini.interaction-get", "vertex.interaction", "vertex.interaction-get"];
const INTERACTIONS = ["gemini.interaction", "vertex.interaction"];
const MADE = [...IMAGES, ...INTERACTIONS];
const JOBS = [...INTERACTIONS, "flow.video", "flow.concat"];
const FLOW_WORK = ["flow.image", "flow.upscale", "flow.video", "flow.concat", "flow.upload"];

const delivery = (description: string, argument?: string): FaultInfo => ({
  description,
  stage: "delivery",
  ...(argument ? { argument } : {}),
});
const refusal = (description: string, fits?: readonly string[], argument?: string): FaultInfo => ({
  description,
  stage: "refusal",
  ...(fits ? { fits } : {}),
  ...(argument ? { argument } : {}),
});
const content = (description: string, fits: readonly string[]): FaultInfo => ({ description, stage: "content", fits });

/** The one table of faults; `--help` lists it. */
export const FAULTS = {
  latency: delivery("answers after so many milliseconds", "ms"),
  slow: delivery("drips the body in twenty pieces, so many milliseconds apart (default 50)", "ms"),
  hang: delivery("does the work, then never answers"),
  lost: delivery("does the work and charges for it, then closes the socket without a byte"),
  cut: delivery("closes the socket in the middle of the body"),
  malformed: delivery("a body that ends properly but is not JSON"),
  html: delivery("an HTML error page with status 502 in place of the answer"),
  "escape-padding": delivery("writes the = of base64 padding as \\u003d"),
  "escape-slash": delivery("writes every / as \\/"),
  rotate: { description: "sends a new session token in Set-Cookie", stage: "delivery", fits: ["flow.session"] },

  "500": refusal("500 INTERNAL"),
  "502": refusal("502 with an empty body"),
  "503": refusal("503 UNAVAILABLE, the model is overloaded"),
  "504": refusal("504 DEADLINE_EXCEEDED; the work was accepted and charged"),
  "array-error": refusal("503 with the error wrapped in an array"),
  invalid: refusal("400 INVALID_ARGUMENT without a reason"),
  "not-found": refusal("404 NOT_FOUND"),

  "bad-key": refusal("400 API_KEY_INVALID", GEMINI),
  "expired-key": refusal("400 API_KEY_INVALID, the key expired", GEMINI),
  leaked: refusal("403, the key was reported as leaked", GEMINI),
  suspended: refusal("403 CONSUMER_SUSPENDED", GEMINI),
  blocked: content("200 with promptFeedback PROHIBITED_CONTENT and no candidates", IMAGES),
  "service-blocked": refusal("403 API_KEY_SERVICE_BLOCKED", GEMINI),
  "service-disabled": refusal("403 SERVICE_DISABLED", GEMINI),
  billing: refusal("400 FAILED_PRECONDITION, billing is not enabled", GEMINI),
  location: refusal("400 FAILED_PRECONDITION, the location is not supported", GEMINI),
  retired: refusal(
    "404, the model is no longer available; with a model, only that one, and the list leaves it out",
    ["gemini.generate", "gemini.model", "gemini.interaction", "gemini.count-tokens"],
    "model",
  ),
  unsupported: refusal("404, the model is not found for the API version", GEMINI),
  "429-minute": refusal("429 per minute with QuotaFailure and RetryInfo of so many seconds (default 47)", GEMINI, "seconds"),
  "429-day": refusal("429 per day, with a misleadingly short RetryInfo", GEMINI),
  "429-limit-zero": refusal("429 with limit: 0, no quota for this model on the free tier", GEMINI),
  "429-tokens": refusal("429 input tokens per minute, RetryInfo with a fraction", GEMINI),
  "429-nodetails": refusal("429 without details"),
  "429-retry": refusal("429 with a RetryInfo of so many seconds (default 1) and nothing else", GEMINI, "seconds"),
  "429-prepaid": refusal("429 in words alone, the prepayment credits are depleted", GEMINI),
  "429-spending-cap": refusal("429 in words alone, the monthly spending cap is reached", GEMINI),
  "billing-disabled": refusal("403 BILLING_DISABLED", GEMINI),
  "499": refusal("499 CANCELLED, as under load"),
  "499-array": refusal("499 CANCELLED with the error wrapped in an array"),
  "409": refusal("409 ABORTED, as under load"),
  "corrupted-signature": refusal("400, a thought signature of another account", IMAGES),
  "string-code": refusal("400 with a string as error code, the Interactions form", OMNI),
  "429-string": refusal("429 with a string as error code, the Interactions form", OMNI),

  text: content("answers in words, without a image or video", MADE),
  empty: content("completes without anything in it", [...MADE, "flow.image"]),
  draft: content("a draft image as a thought before the final one", IMAGES),
  "draft-late": content("as draft, with the thought key after the bytes", IMAGES),
  "draft-only": content("only a draft image, no final one", IMAGES),
  "two-images": content("two final images", IMAGES),
  png: content("a PNG whatever the model usually gives", [...IMAGES, "flow.image"]),
  jpeg: content("a JPEG whatever the model usually gives", [...IMAGES, "flow.image"]),
  svg: content("an SVG in the place of the image", IMAGES),
  page: content("an HTML page that claims to be a PNG in the place of the image", IMAGES),
  "blocked-safety": content("promptFeedback SAFETY with ratings", IMAGES),
  "blocked-blocklist": content("promptFeedback BLOCKLIST", IMAGES),
  "blocked-image": content("promptFeedback IMAGE_SAFETY", IMAGES),
  "blocked-other": content("promptFeedback OTHER", IMAGES),
  "image-safety": content("finishReason IMAGE_SAFETY, content missing", IMAGES),
  "image-prohibited": content("finishReason IMAGE_PROHIBITED_CONTENT, content missing", IMAGES),
  "image-recitation": content("finishReason IMAGE_RECITATION, content without parts", IMAGES),
  "image-other": content("finishReason IMAGE_OTHER, content missing", IMAGES),
  "no-image": content("finishReason NO_IMAGE, content missing", IMAGES),
  prohibited: content("finishReason PROHIBITED_CONTENT, content missing", IMAGES),
  safety: content("finishReason SAFETY with ratings", IMAGES),
  recitation: content("finishReason RECITATION", IMAGES),
  blocklist: content("finishReason BLOCKLIST", IMAGES),
  spii: content("finishReason SPII", IMAGES),
  language: content("finishReason LANGUAGE", IMAGES),
  other: content("finishReason OTHER", IMAGES),
  "missing-signature": content("finishReason MISSING_THOUGHT_SIGNATURE", IMAGES),
  escalation: content("finishReason ESCALATION", IMAGES),
  "pup-limited": content("finishReason PUP_LIMITED_DISABLED, the account is limited", IMAGES),
  "model-armor": content("finishReason MODEL_ARMOR", IMAGES),
  "strange-reason": content("a finishReason that nobody has seen yet", IMAGES),
  "blocked-strange": content("a blockReason that nobody has seen yet", IMAGES),
  "max-tokens": content("finishReason MAX_TOKENS after some text", IMAGES),
  "malformed-response": content("finishReason MALFORMED_RESPONSE", IMAGES),

  fail: content("the job ends as failed", JOBS),
  stuck: content("the job never ends", JOBS),
  incomplete: content("the job ends as incomplete, without a video", INTERACTIONS),
  "fresh-404": refusal("404, as a new interaction answers for a moment", ["gemini.interaction-get", "vertex.interaction-get"]),
  "strange-status": content("a status word that nobody has seen yet", [
    "gemini.interaction-get",
    "vertex.interaction-get",
    "flow.video-status",
  ]),
  redirect: content("the download answers with a redirect to a signed link", ["gemini.file-download"]),
  "file-failed": content("the file ends as FAILED instead of ACTIVE", ["gemini.interaction", "gemini.file-upload"]),
  unsafe: refusal("400 PUBLIC_ERROR_UNSAFE_GENERATION", FLOW_WORK),
  sexual: refusal("400 PUBLIC_ERROR_SEXUAL", FLOW_WORK),
  minor: refusal("400 PUBLIC_ERROR_MINOR", FLOW_WORK),
  violence: refusal("400 PUBLIC_ERROR_VIOLENCE_FILTER", FLOW_WORK),
  danger: refusal("400 PUBLIC_ERROR_DANGER_FILTER", FLOW_WORK),
  "prominent-people": refusal("400 PUBLIC_ERROR_PROMINENT_PEOPLE_FILTER_FAILED", FLOW_WORK),
  "ip-input": refusal("400 PUBLIC_ERROR_IP_INPUT_IMAGE", FLOW_WORK),
  "job-unsafe": content("the video job fails with PUBLIC_ERROR_UNSAFE_GENERATION", ["flow.video"]),
  "job-audio": content("the video job fails with PUBLIC_ERROR_AUDIO_FILTERED", ["flow.video"]),
  "job-error": content("the video job ends in a status that begins with MEDIA_GENERATION_STATUS_ERROR", ["flow.video"]),
  "job-timeout": content("the video job fails with PUBLIC_ERROR_VIDEO_GENERATION_TIMED_OUT", ["flow.video"]),
  verification: refusal("403 with reason PUBLIC_ERROR_UNUSUAL_ACTIVITY", FLOW),
  "verification-traffic": refusal("403 with reason PUBLIC_ERROR_UNUSUAL_ACTIVITY_TOO_MUCH_TRAFFIC", FLOW),
  "verification-wrong": refusal("403 with reason PUBLIC_ERROR_SOMETHING_WENT_WRONG", FLOW),
  "verification-nodetails": refusal("the same 403 without details, as in December 2025", FLOW),
  "model-denied": refusal("403 PUBLIC_ERROR_MODEL_ACCESS_DENIED", FLOW),
  quota: refusal("429 PUBLIC_ERROR_USER_QUOTA_REACHED", FLOW),
  throttled: refusal("429 PUBLIC_ERROR_USER_REQUESTS_THROTTLED", FLOW),
  "high-traffic": refusal("503 PUBLIC_ERROR_HIGH_TRAFFIC", FLOW),
  unauthorized: refusal("401 UNAUTHENTICATED", FLOW),
  "429-shared": refusal("429 in words alone, the model's shared capacity is used up", VERTEX_WORK),
  "not-in-location": refusal("404, the model is not in this location", VERTEX_WORK, "model"),
  iam: refusal("403 IAM_PERMISSION_DENIED, the account may not predict", VERTEX_WORK),
  "api-disabled": refusal("403 SERVICE_DISABLED, the API is not enabled in the project", VERTEX_WORK),
  "project-missing": refusal("403 CONSUMER_INVALID, the project does not exist", VERTEX_WORK),
  "token-expired": refusal("401 UNAUTHENTICATED, the access token has expired", VERTEX),
  "grant-refused": refusal("400 invalid_grant, the account is gone", ["vertex.token"]),
  "no-output": {
    description: "the interaction is complete and shows nothing for so many milliseconds (default: ever)",
    stage: "content",
    fits: INTERACTIONS,
    argument: "ms",
  },
  "expires-mid-stream": content("the stream ends in a 401 after its first event", ["vertex.generate"]),
  dead: refusal("the session is dead: 200 without access_token", ["flow.session"]),
} as const satisfies Record<string, FaultInfo>;

export type FaultName = keyof typeof FAULTS;

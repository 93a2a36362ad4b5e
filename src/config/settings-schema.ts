// Every setting: type, default, bounds, unit and meaning in one place. setting.toml, environment names and forms follow from it.
import { type Static, t } from "elysia";
import { CLOCK_TIME, choice, flag, HTTP_URL, headerName, list, OPTIONAL_HTTP_URL, POSTGRES_URL, text, whole } from "./settings-fields.ts";

/** Sections and their keys. A bare number is seconds; other units are in the name. */
export const SettingsSchema = t.Object({
  server: t.Object({
    host: text("0.0.0.0", "Address to listen on", { boot: true, check: "host", expected: "a host name or address" }),
    port: whole(8000, [0, 65535], "Port to listen on; 0 lets the system choose", { boot: true }),
    public_url: text("", "Address that clients reach this server at, used in links; empty: the request's own host", {
      ...OPTIONAL_HTTP_URL,
    }),
    trust_proxy: list("Addresses (CIDR) of reverse proxies whose X-Forwarded-* headers count", {
      boot: true,
      check: "cidr",
      expected: 'addresses like "10.0.0.0/8"',
    }),
    mcp_hosts: list("Further host names by which MCP clients call; public_url and names of local networks are known", {
      boot: true,
      check: "host",
      expected: 'host names like "img.example.com"',
    }),
    body_limit_mb: whole(100, [1, 1024], "Largest request body, in MiB"),
    bodies_in_flight_mb: whole(512, [16, 16384], "All request bodies held at once, in MiB; over it: 503"),
    bodies_per_key_percent: whole(50, [1, 100], "What the bodies of one key may hold of that, in percent; one of the largest size always"),
    body_min_rate_kb: whole(1, [0, 1024], "Least rate at which a request body arrives, in KiB/s, from ten seconds on; 0: none"),
    body_timeout: whole(600, [10, 86_400], "Longest time in which a request body arrives, in seconds"),
    early_bytes: flag(
      false,
      "Answer generations that are not streamed after 25 s with status 200 and blanks until the result is there, for proxies that cut silent answers; an error is then an error object in a 200",
    ),
    drain_timeout: whole(30, [0, 600], "How long a stop waits for open answers, in seconds"),
    node_url: text("", "Address by which other nodes reach this one; empty: they cannot", { boot: true, ...OPTIONAL_HTTP_URL }),
    metrics_token: text("", "Bearer token that opens /metrics to other machines; empty: loopback only", { boot: true, secret: true }),
  }),
  admin: t.Object({
    host: text("127.0.0.1", "Address that the admin panel listens on, when it has a port of its own", {
      boot: true,
      check: "host",
      expected: "a host name or address",
    }),
    port: whole(0, [0, 65535], "Port of its own for the admin panel, which is then found nowhere else; 0: the server's", { boot: true }),
    allow: list("Addresses (CIDR) that the admin panel is open to; empty: all", {
      boot: true,
      check: "cidr",
      expected: 'addresses like "10.0.0.0/8"',
    }),
  }),
  sign_in: t.Object({
    password: flag(true, "Let people sign in to the admin by password; false: only by the single sign-on that is set here", { boot: true }),
    header: headerName("Header in which a proxy of server.trust_proxy names who is signed in, e.g. Remote-User; empty: none"),
    groups_header: headerName("Header in which that proxy lists the person's groups, comma separated, e.g. Remote-Groups; empty: none"),
    oidc_issuer: text("", "Issuer of an OpenID Connect provider, e.g. https://id.example.com/realms/home; empty: none", {
      boot: true,
      ...OPTIONAL_HTTP_URL,
    }),
    oidc_client_id: text("", "Client id that the provider gave this server", { boot: true }),
    oidc_client_secret: text("", "Client secret that the provider gave this server; empty: a public client with PKCE alone", {
      boot: true,
      secret: true,
    }),
    oidc_scopes: text("openid profile", "Scopes that the provider is asked for", {
      boot: true,
      pattern: "^openid( [\\w:./-]+)*$",
      expected: 'scopes that begin with "openid"',
    }),
    oidc_groups_claim: text("groups", "Claim of the provider that lists the person's groups", { boot: true }),
    oidc_name: text("Single sign-on", "What the button of the sign-in page says", { boot: true, pattern: "\\S", expected: "a text" }),
    oidc_private_hosts: list("Host names or addresses on the private network that the provider may use", {
      boot: true,
      check: "host",
      expected: "host names or addresses",
    }),
    viewers: list("Who of single sign-on may read the admin: exact subjects, or group:NAME", { boot: true }),
    operators: list("Who of single sign-on may also run tokens, keys and jobs: exact subjects, or group:NAME", { boot: true }),
    admins: list("Who of single sign-on may do everything: exact subjects, or group:NAME", { boot: true }),
    token_days: whole(30, [0, 3650], "Days that admin tokens work after single sign-on last named their person; 0: always", { boot: true }),
  }),
  storage: t.Object({
    data_dir: text("data", "Folder for databases, media and the secret key", { boot: true, pattern: "\\S", expected: "a folder" }),
    database_url: text("", "Postgres that several servers may share, with everything but the media; empty: SQLite in the data folder", {
      boot: true,
      secret: true,
      ...POSTGRES_URL,
    }),
    database_direct_url: text("", "The same database without PgBouncer in between, where the first address goes through it", {
      boot: true,
      secret: true,
      ...POSTGRES_URL,
    }),
    media_url: text("", "Bucket for images and videos, as s3://bucket/prefix; empty: the folder media in the data folder", {
      boot: true,
      pattern: "^(s3://[^/\\s?#]+(/[^\\s?#]*)?)?$",
      expected: 'empty, or a bucket like "s3://bucket/prefix"',
    }),
    media_redirect: flag(false, "Answer requests for stored media with a link of the bucket, valid for 15 minutes, instead of the bytes"),
    media_cache_mb: whole(2048, [64, 1_048_576], "Disk that local copies of media in a bucket may take, in MiB"),
    s3_endpoint: text("", "Address of the S3-compatible store of the bucket; empty: Amazon's of the region", {
      boot: true,
      ...OPTIONAL_HTTP_URL,
    }),
    s3_region: text("us-east-1", "Region of the bucket", { boot: true, pattern: "\\S", expected: "a region" }),
    s3_access_key: text("", "Access key of the bucket", { boot: true, secret: true }),
    s3_secret_key: text("", "Secret key of the bucket", { boot: true, secret: true }),
  }),
  gemini: t.Object({
    base_url: text("https://generativelanguage.googleapis.com", "Gemini API", { boot: true, ...HTTP_URL }),
  }),
  flow: t.Object({
    labs_base_url: text("https://labs.google/fx/api", "Flow: session, projects, media links", { boot: true, ...HTTP_URL }),
    api_base_url: text("https://aisandbox-pa.googleapis.com/v1", "Flow: generation", { boot: true, ...HTTP_URL }),
  }),
  vertex: t.Object({
    base_url: text("", "Vertex AI, for every location; empty: Google's host of each token's location", {
      boot: true,
      ...OPTIONAL_HTTP_URL,
    }),
    token_url: text(
      "https://oauth2.googleapis.com/token",
      "Where service accounts get their access tokens; a token's JSON never decides it",
      {
        boot: true,
        ...HTTP_URL,
      },
    ),
  }),
  generation: t.Object({
    image_timeout: whole(300, [5, 3600], "Longest time for one image request, waiting included, in seconds"),
    video_timeout: whole(1500, [30, 14400], "Longest time for one video job, in seconds"),
    max_attempts: whole(
      0,
      [0, 1000],
      "Upstream calls for one request at most; 0: as many as the time allows, until every token that can serve has refused",
    ),
    retry_unknown_images: flag(false, "Try an image again when the upstream took the request and never answered; it may be paid twice"),
    list_all_models: flag(false, "List every model id that is understood, not only families and official ids; all are accepted anyway"),
    successors: flag(true, "Serve models that an upstream retired by their named successor"),
    refusal: choice(["content_filter", "error"], "How chat reports a content-policy refusal: finish_reason with text, or an HTTP error"),
    on_disconnect: choice(
      ["finish", "abort"],
      "What becomes of a call that an upstream has taken when its client leaves: finished and given to the next identical request of the key, or cut and counted at the catalogue's price",
    ),
    thinking: choice(["default", "minimal", "medium", "high"], "Thinking level for models that let it be chosen"),
  }),
  pool: t.Object({
    strategy: choice(
      ["least_busy", "round_robin", "random", "weighted", "fill_first", "most_credits"],
      "How a token is chosen among those that can serve",
    ),
    prefer_cheaper: flag(true, "Among tokens of one priority, take those whose provider asks least for the request first"),
    wait_ms: whole(30_000, [0, 600_000], "Longest wait for a free token, in milliseconds"),
    queue_limit: whole(1000, [0, 100_000], "Requests that may wait at once; over it the key with the most of them gets 429"),
    proxy: text("", "Proxy of every token that has none of its own: http(s) or SOCKS5; a token goes without by the word direct", {
      secret: true,
      check: "proxy",
      expected: 'empty, or an address like "socks5://user:password@proxy.example:1080"',
    }),
    paused_providers: list("Providers that serve no request: gemini, flow, vertex; calls under way end, checks continue", {
      expected: "names among gemini, flow and vertex",
    }),
    image_concurrency: whole(4, [-1, 1000], "Image calls at once for a new token; -1 unlimited"),
    video_concurrency: whole(2, [-1, 1000], "Video calls at once for a new token; -1 unlimited"),
  }),
  refresh: t.Object({
    enabled: flag(true, "Check tokens in the background: renew sessions before they end, learn credits and models"),
    flow_interval: whole(1800, [60, 86_400], "How often credits and plan of a Flow token are learned again, in seconds"),
    gemini_interval: whole(21_600, [60, 604_800], "How often a Gemini key and its list of models are checked, in seconds"),
    vertex_interval: whole(21_600, [60, 604_800], "How often a Vertex token and what its location has are checked, in seconds"),
    concurrency: whole(4, [1, 64], "Checks at once"),
  }),
  media: t.Object({
    max_age_days: whole(30, [0, 3650], "Age at which results are deleted; 0 keeps them"),
    input_max_age_days: whole(2, [0, 3650], "Age at which clients' images are deleted; 0 keeps them"),
    max_total_mb: whole(
      10_240,
      [0, 100_000_000],
      "All media together, in MiB; inputs go before results, the oldest of whoever holds the most first; 0: no limit",
    ),
    key_share: whole(25, [1, 100], "Largest part of that space which one key's inputs and uploads may take, in percent"),
    sweep_interval: whole(300, [5, 86_400], "How often old media are looked for, in seconds"),
    min_free_mb: whole(256, [0, 1_000_000], "Free disk below which no generation is started, in MiB"),
    fetch_timeout: whole(30, [1, 300], "Longest time to fetch an image that a client names, in seconds"),
    fetch_limit_mb: whole(30, [1, 512], "Largest image that a client may name or send, in MiB"),
    max_megapixels: whole(100, [1, 1000], "Largest image that is accepted, in millions of pixels"),
    allow_private_hosts: list("Host names or addresses on the private network that client-named URLs may use", {
      boot: true,
      check: "host",
      expected: "host names or addresses",
    }),
  }),
  keys: t.Object({
    rpm: whole(600, [0, 100_000], "Generations and uploads in any 60 seconds for a new key; 0: no limit"),
    concurrency: whole(200, [0, 100_000], "Generations at once for a new key; 0: no limit"),
    upload_mb_day: whole(0, [0, 100_000_000], "Uploads of a new key in a UTC day, in MiB; 0: no limit"),
  }),
  chat: t.Object({
    image_form: choice(
      ["markdown_url", "markdown_data", "images"],
      "How chat returns images when neither request nor key says: link, data URL, or message.images",
    ),
    video_form: choice(
      ["link", "html_block", "html_fence"],
      "How chat returns videos when neither request nor key says: Markdown link, block of HTML, or HTML in a code fence",
    ),
    auxiliary: flag(true, "Answer side calls of clients (titles, tags, health checks) here, without an upstream call; false: generate"),
    show_token: flag(false, "Name the token that is used, by its label, in the progress of streamed chat answers"),
    max_line_kb: whole(
      0,
      [0, 1_000_000],
      "Longest line of a streamed chat answer, in KiB: an image that does not fit comes as a link; 0: no limit",
    ),
  }),
  models: t.Object({
    adopt: choice(
      ["ask", "auto", "off"],
      "A model that a token's list names and the catalogue does not: ask: offered in the admin, switched off; auto: served at once; off: left out",
    ),
  }),
  webhooks: t.Object({
    enabled: flag(true, "Notify the URLs that requests and keys name when a job ends"),
  }),
  alerts: t.Object({
    language: choice(["en", "zh"], "Language of alert messages"),
    rules_off: list("Alert rules that are switched off, by name"),
    healthy_tokens: whole(1, [1, 100_000], "Alert when fewer tokens of a provider than this are healthy"),
    healthy_provider: choice(["any", "gemini", "vertex", "flow"], "Provider that this counts; any: each that has tokens"),
    images_left: whole(10, [1, 1_000_000], "Alert when fewer images than this are left today by the caps of tokens, where each has one"),
    error_percent: whole(10, [1, 100], "Alert when more than this share of generations fails, in percent"),
    error_minutes: whole(10, [1, 60], "Time over which that share is counted, in minutes"),
    limit_percent: whole(80, [1, 100], "Alert when a key or a token has used this share of a limit, in percent; and again at 100"),
    backup_days: whole(7, [1, 3650], "Alert when the last backup is older than this, in days"),
    disk_gb: whole(5, [1, 100_000], "Alert when less than this is free on the disk of media, in GB"),
    retire_days: whole(30, [1, 365], "Alert so many days before a model that is offered retires; and again in the last week"),
    quiet_from: text("", "Start of the quiet hours, like 22:00; empty: there are none", CLOCK_TIME),
    quiet_to: text("07:00", "End of the quiet hours", CLOCK_TIME),
    quiet_except: choice(["urgent", "nothing"], "What is sent in quiet hours: an empty pool and what costs money, or nothing"),
    time_zone: text("", "Time zone of the quiet hours and of times in messages, like Asia/Shanghai; empty: the server's", {
      check: "zone",
      expected: 'empty, or a time zone like "Europe/Berlin"',
    }),
    remind_hours: whole(6, [0, 720], "Remind of an incident that lasts after so many hours; 0: never"),
    allow_private_hosts: list("Host names or addresses on the private network that alert channels may use", {
      boot: true,
      check: "host",
      expected: "host names or addresses",
    }),
  }),
  backup: t.Object({
    every_hours: whole(0, [0, 8760], "Hours between scheduled backups; 0: none are made"),
    hour: whole(3, [0, 23], "Hour of the day (UTC) that scheduled backups are counted from"),
    keep: whole(7, [1, 10_000], "Scheduled backups that are retained; the oldest are deleted"),
    requests: flag(true, "Scheduled backups hold the request log"),
    media: flag(false, "Scheduled backups hold the media files"),
    folder: text("", "Folder for scheduled backups; empty: backups in the data folder", { boot: true }),
    s3_url: text("", "Bucket and prefix for scheduled backups instead of a folder, as s3://bucket/prefix", {
      boot: true,
      pattern: "^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\\w.!*'()-]+)*/?)?$",
      expected: "empty, or an address like s3://bucket/prefix",
    }),
    s3_endpoint: text("", "S3-compatible server of the backups; empty: Amazon's", { boot: true, ...OPTIONAL_HTTP_URL }),
    s3_region: text("", "Region of the bucket; empty: us-east-1", { boot: true }),
    s3_access_key: text("", "Access key of the bucket", { boot: true, secret: true }),
    s3_secret_key: text("", "Secret key of the bucket", { boot: true, secret: true }),
  }),
  requests: t.Object({
    retention_days: whole(30, [1, 3650], "Age at which request log rows are deleted"),
    record_addresses: flag(true, "Store with the row of a refused request the address that it came from"),
    record_payloads: flag(false, "Store prompts (their first 2,000 characters) and parameters with the rows of the request log"),
  }),
  tracing: t.Object({
    endpoint: text("", "OTLP/HTTP collector that gets traces, e.g. http://localhost:4318; empty: OpenTelemetry is off and not loaded", {
      boot: true,
      ...OPTIONAL_HTTP_URL,
    }),
    headers: text("", "Headers for the collector, as name=value,name=value", { boot: true, secret: true }),
    sample_percent: whole(100, [0, 100], "Share of requests that are traced, in percent; a client's own decision in traceparent wins", {
      boot: true,
    }),
    service_name: text("flow2api", "Name of this server in traces", { boot: true, pattern: "\\S", expected: "a name" }),
  }),
  plugin: t.Object({
    connection_token: text("", "Token of the companion extension (32 characters or more); empty: its routes are closed", {
      secret: true,
      pattern: "^(.{32,})?$",
      expected: "empty, or 32 characters or more",
    }),
  }),
  log: t.Object({
    level: choice(["info", "debug", "warn", "error"], "Least level that is written"),
    format: choice(["auto", "json", "pretty"], "auto: pretty on a terminal, JSON lines elsewhere", { boot: true }),
  }),
});

/** All settings, complete and checked. */
export type Settings = Static<typeof SettingsSchema>;

// Playground code samples: the same call in curl, Python and TypeScript for the OpenAI API. Pure.
import type { PlaygroundForm, Slot } from "../../src/gateway/playground/options.ts";

export type CodeCall = {
  kind: "image" | "video";
  /** Scheme and host of this server, as clients reach it. */
  origin: string;
  /** Model id that says the quality too. */
  modelId: string;
  values: PlaygroundForm;
};

export type CodeLanguage = "curl" | "python" | "typescript";
/** Words inside the code, in the page's language. */
export type CodeWords = { thinking: string; upscale: string };

/** What a reader puts in place of it. */
export const PLACEHOLDER_KEY = "sk-f2a-YOUR-KEY";
const PLACEHOLDER_VIDEO = "video_ID";

type Field = [name: string, value: string | number];
type Upload = { field: string; file: string };
/** A call as data: what every language writes in its own way. */
type Call = CodeCall & { path: string; fields: Field[]; uploads: Upload[]; notes: string[] };

/** The same call in three languages. */
export function writeCode(code: CodeCall, words: CodeWords): Record<CodeLanguage, string> {
  const call = callOf(code, words);
  return { curl: curl(call), python: python(call), typescript: typescript(call) };
}

function callOf(code: CodeCall, words: CodeWords): Call {
  const { kind, modelId, values } = code;
  const fields: Field[] = [
    ["model", modelId],
    ["prompt", values.prompt || "…"],
  ];
  const add = (name: string, value: string | number | null) => {
    if (value !== "" && value !== null) fields.push([name, value]);
  };
  if (kind === "image") add("n", values.n > 1 ? values.n : null);
  add("aspect_ratio", values.aspect);
  add("image_size", values.size);
  add("resolution", values.resolution);
  add("seconds", values.seconds === null ? null : `${values.seconds}`);
  add("seed", values.seed);
  const uploads = uploadsOf(code);
  if (kind === "image") {
    add("response_format", "url");
    const path = uploads.length > 0 ? "/v1/images/edits" : "/v1/images/generations";
    return { ...code, path, fields, uploads, notes: values.thinking ? [words.thinking] : [] };
  }
  const isSourced = ["edit", "extend", "upscale"].includes(values.mode);
  if (isSourced) add("video", PLACEHOLDER_VIDEO);
  const path = !isSourced ? "/v1/videos" : values.mode === "extend" ? "/v1/videos/extensions" : "/v1/videos/edits";
  return { ...code, path, fields, uploads, notes: values.mode === "upscale" ? [words.upscale] : [] };
}

const FIELDS = { first: "first_frame", last: "last_frame", pictures: "input_references" } as const;

function uploadsOf({ kind, values: { inputs } }: CodeCall): Upload[] {
  const of = (slot: Exclude<Slot, "video">, name: string) =>
    inputs[slot].map((_, index, all) => ({
      field: kind === "image" ? "image[]" : FIELDS[slot],
      file: all.length > 1 ? `${name}-${index + 1}.png` : `${name}.png`,
    }));
  return [...of("first", "first"), ...of("last", "last"), ...of("pictures", "image")];
}

const shell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const isEdit = ({ path }: Call) => path.endsWith("/edits") || path.endsWith("/extensions");

function curl(call: Call): string {
  const { origin, path, fields, uploads, notes } = call;
  const head = [
    ...notes.map((note) => `# ${note}`),
    `curl ${shell(origin + path)} \\`,
    `  -H ${shell(`Authorization: Bearer ${PLACEHOLDER_KEY}`)} \\`,
  ];
  if (uploads.length === 0) {
    const body = JSON.stringify(Object.fromEntries(fields), null, 2);
    return [...head, "  -H 'Content-Type: application/json' \\", `  -d ${shell(body)}`, ...curlEnd(call)].join("\n");
  }
  const parts = [
    ...fields.map(([name, value]) => `  --form-string ${shell(`${name}=${value}`)}`),
    ...uploads.map(({ field, file }) => `  -F ${shell(`${field}=@${file}`)}`),
  ];
  return [...head, parts.join(" \\\n"), ...curlEnd(call)].join("\n");
}

function curlEnd({ kind, origin }: Call): string[] {
  if (kind === "image") return [];
  const get = (rest: string, options = "") =>
    `curl ${shell(`${origin}/v1/videos/${PLACEHOLDER_VIDEO}${rest}`)} -H ${shell(`Authorization: Bearer ${PLACEHOLDER_KEY}`)}${options}`;
  return ["", get(""), get("/content", " -o video.mp4")];
}

/** A text as a Python or JavaScript literal: JSON is both. */
const literal = (value: string | number) => JSON.stringify(value);
/** Fields that the SDKs know by name; the others go beside them. */
const KNOWN: Readonly<Record<CodeCall["kind"], ReadonlySet<string>>> = {
  image: new Set(["model", "prompt", "n", "response_format"]),
  video: new Set(["model", "prompt", "seconds"]),
};

function python(call: Call): string {
  const { kind, origin, path, uploads, notes } = call;
  const known = call.fields.filter(([name]) => KNOWN[kind].has(name)).map(([name, value]) => `    ${name}=${literal(value)},`);
  const more = call.fields.filter(([name]) => !KNOWN[kind].has(name)).map(([name, value]) => `${literal(name)}: ${literal(value)}`);
  const usesImages = kind === "video" && uploads.length > 0;
  const head = [
    ...notes.map((note) => `# ${note}`),
    ...(usesImages ? ["from base64 import b64encode"] : []),
    "from openai import OpenAI",
    ...(isEdit(call) && kind === "video" ? ["from openai.types import Video"] : []),
    "",
    `client = OpenAI(base_url=${literal(`${origin}/v1`)}, api_key=${literal(PLACEHOLDER_KEY)})`,
  ];
  if (kind === "image") {
    if (more.length > 0) known.push(`    extra_body={${more.join(", ")}},`);
    if (uploads.length > 0) known.unshift(`    image=[${uploads.map(({ file }) => `open(${literal(file)}, "rb")`).join(", ")}],`);
    const method = uploads.length > 0 ? "edit" : "generate";
    return [...head, "", `result = client.images.${method}(`, ...known, ")", "for image in result.data:", "    print(image.url)"].join(
      "\n",
    );
  }
  if (usesImages) head.push("", "def image(path):", '    return "data:image/png;base64," + b64encode(open(path, "rb").read()).decode()');
  more.push(
    ...groupUploads(uploads).map(([field, files]) => `${literal(field)}: ${listOf(field, files, (file) => `image(${literal(file)})`)}`),
  );
  if (isEdit(call)) {
    const body = [
      ...call.fields.filter(([name]) => KNOWN.video.has(name)).map(([name, value]) => `${literal(name)}: ${literal(value)}`),
      ...more,
    ];
    const post = `video = client.post(${literal(path.slice("/v1".length))}, body={${body.join(", ")}}, cast_to=Video)`;
    return [...head, "", post, "video = client.videos.poll(video.id)", PYTHON_SAVE].join("\n");
  }
  if (more.length > 0) known.push(`    extra_body={${more.join(", ")}},`);
  return [...head, "", "video = client.videos.create_and_poll(", ...known, ")", PYTHON_SAVE].join("\n");
}

const PYTHON_SAVE = 'client.videos.download_content(video.id).write_to_file("video.mp4")';

function typescript(call: Call): string {
  const { kind, origin, path, uploads, notes } = call;
  const lines = call.fields.map(([name, value]) => `  ${name}: ${literal(value)},`);
  const known = lines.filter((_, index) => KNOWN[kind].has(call.fields[index]![0]));
  const more = lines.filter((_, index) => !KNOWN[kind].has(call.fields[index]![0]));
  const usesImages = uploads.length > 0;
  const fromDisk = [...(usesImages ? ["readFileSync"] : []), ...(kind === "video" ? ["writeFileSync"] : [])];
  const head = [
    ...notes.map((note) => `// ${note}`),
    ...(fromDisk.length > 0 ? [`import { ${fromDisk.join(", ")} } from "node:fs";`] : []),
    `import OpenAI${kind === "image" && usesImages ? ", { toFile }" : ""} from "openai";`,
    "",
    `const client = new OpenAI({ baseURL: ${literal(`${origin}/v1`)}, apiKey: ${literal(PLACEHOLDER_KEY)} });`,
  ];
  const rest = more.length > 0 ? ["  // @ts-expect-error: fields of this server", ...more] : [];
  if (kind === "image") {
    const files = uploads.map(({ file }) => `await toFile(readFileSync(${literal(file)}), ${literal(file)}, { type: "image/png" })`);
    if (usesImages) known.unshift(`  image: [${files.join(", ")}],`);
    const method = usesImages ? "edit" : "generate";
    return [
      ...head,
      "",
      `const result = await client.images.${method}({`,
      ...known,
      ...rest,
      "});",
      "for (const { url } of result.data ?? []) console.log(url);",
    ].join("\n");
  }
  if (usesImages) {
    head.push("", 'const image = (path: string) => "data:image/png;base64," + readFileSync(path, "base64");');
    const images = groupUploads(uploads).map(
      ([field, files]) => `  ${field}: ${listOf(field, files, (file) => `image(${literal(file)})`)},`,
    );
    if (rest.length === 0) rest.push("  // @ts-expect-error: fields of this server");
    rest.push(...images);
  }
  const end = [
    'while (video.status !== "completed" && video.status !== "failed") {',
    "  await new Promise((resolve) => setTimeout(resolve, 3000));",
    "  video = await client.videos.retrieve(video.id);",
    "}",
    "const content = await client.videos.downloadContent(video.id);",
    'writeFileSync("video.mp4", Buffer.from(await content.arrayBuffer()));',
  ];
  if (isEdit(call)) {
    const body = [...known, ...rest.filter((line) => !line.trimStart().startsWith("//"))];
    const post = `let video = await client.post<OpenAI.Videos.Video>(${literal(path.slice("/v1".length))}, { body: {`;
    return [...head, "", post, ...body, "} });", ...end].join("\n");
  }
  return [...head, "", "let video = await client.videos.create({", ...known, ...rest, "});", ...end].join("\n");
}

/** Files by the field that they go in, in order. */
const groupUploads = (uploads: readonly Upload[]): [string, string[]][] => [
  ...Map.groupBy(uploads, ({ field }) => field)
    .entries()
    .map(([field, all]): [string, string[]] => [field, all.map(({ file }) => file)]),
];

const listOf = (field: string, files: readonly string[], write: (file: string) => string): string =>
  field === FIELDS.pictures ? `[${files.map(write).join(", ")}]` : write(files[0]!);

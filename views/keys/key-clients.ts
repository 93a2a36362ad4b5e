// Client configuration snippets (OpenAI libraries, Open WebUI, n8n ...) with URL and key. Pure.

/** A client as its settings are called; the texts of the page have a note for each. */
export type ClientName = "environment" | "python" | "typescript" | "curl" | "openwebui" | "cherry" | "n8n" | "gemini" | "mcp";
export type ClientSettings = { name: ClientName; title: string; text: string };

/**
 * @param origin scheme and host that clients reach us at
 * @param model id of an image model that the key may use
 */
export function clientSettings({ origin, key, model }: { origin: string; key: string; model: string }): ClientSettings[] {
  const base = `${origin}/v1`;
  return [
    { name: "environment", title: "OpenAI SDK", text: `OPENAI_BASE_URL=${base}\nOPENAI_API_KEY=${key}` },
    {
      name: "python",
      title: "Python",
      text: `from openai import OpenAI

client = OpenAI(base_url="${base}", api_key="${key}")
result = client.images.generate(model="${model}", prompt="A red fox in morning fog")
print(result.data[0].url or result.data[0].b64_json[:60])`,
    },
    {
      name: "typescript",
      title: "TypeScript",
      text: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}", apiKey: "${key}" });
const result = await client.images.generate({ model: "${model}", prompt: "A red fox in morning fog" });
console.log(result.data?.[0]?.url ?? result.data?.[0]?.b64_json?.slice(0, 60));`,
    },
    {
      name: "curl",
      title: "curl",
      text: `curl ${base}/images/generations \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "prompt": "A red fox in morning fog", "response_format": "url"}'`,
    },
    {
      name: "openwebui",
      title: "Open WebUI",
      text: `OPENAI_API_BASE_URL=${base}
OPENAI_API_KEY=${key}
ENABLE_IMAGE_GENERATION=true
IMAGE_GENERATION_ENGINE=openai
IMAGE_GENERATION_MODEL=${model}
IMAGES_OPENAI_API_BASE_URL=${base}
IMAGES_OPENAI_API_KEY=${key}`,
    },
    { name: "cherry", title: "Cherry Studio", text: `API Key: ${key}\nAPI Host: ${origin}\nModel: ${model}` },
    { name: "n8n", title: "n8n", text: `API Key: ${key}\nBase URL: ${base}` },
    {
      name: "mcp",
      title: "MCP",
      text: `claude mcp add --transport http flow2api ${origin}/mcp --header "Authorization: Bearer ${key}"

{
  "mcpServers": {
    "flow2api": {
      "type": "http",
      "url": "${origin}/mcp",
      "headers": { "Authorization": "Bearer ${key}" }
    }
  }
}`,
    },
    { name: "gemini", title: "Gemini SDK", text: `GOOGLE_GEMINI_BASE_URL=${origin}\nGEMINI_API_KEY=${key}` },
  ];
}

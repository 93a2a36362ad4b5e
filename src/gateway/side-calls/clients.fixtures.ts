// Data for tests: what real clients and gateways send on the side, in their own words, each with where it stands.
import type { ChatCall } from "./decide.ts";

/** `isDirective`: sent as the last system message. */
export type ClientCall = { from: string; call: Partial<ChatCall>; answer: string | RegExp; isDirective?: true };

const HISTORY = "USER: draw a red fox in snow please\nASSISTANT: ![image](http://gateway/media/abcdefghijklmnopqrstuvwxyz.png)";
const FOX = ["draw a red fox in snow please"];
const after = { messages: 3, earlier: FOX };

/** open-webui 0.12.4 (PyPI), open_webui/config.py, with what it fills in. */
const OPEN_WEBUI: ClientCall[] = [
  {
    from: "Open WebUI title",
    call: {
      text: `### Task:\nGenerate a concise title summarizing the chat history.\n### Guidelines:\n- The title should clearly represent the main theme or subject of the conversation.\n- Keep it short: 2-4 words is best.\n- Do not use emojis, quotation marks, or special formatting.\n- Your entire response must consist solely of the JSON object, without any introductory or concluding text.\n### Output:\nJSON format: { "title": "your concise title here" }\n### Examples:\n- { "title": "Stock Trends" },\n### Chat History:\n<chat_history>\n${HISTORY}\n</chat_history>`,
    },
    answer: '{"title":"Red fox in snow"}',
  },
  {
    from: "Open WebUI tags",
    call: {
      text: `### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history, along with 1-3 more specific subtopic tags.\n\n### Guidelines:\n- Start with high-level domains (e.g. Science, Arts)\n- If content is too short (less than 3 messages) or too diverse, use only ["General"]\n\n### Output:\nJSON format: { "tags": ["tag1", "tag2", "tag3"] }\n\n### Chat History:\n<chat_history>\n${HISTORY}\n</chat_history>`,
    },
    answer: '{"tags":["Images"]}',
  },
  {
    from: "Open WebUI image prompt",
    call: {
      text: `### Task:\nGenerate a detailed prompt for am image generation task based on the given language and context. Describe the image as if you were explaining it to someone who cannot see it. Include relevant details, colors, shapes, and any other important elements.\n\n### Output:\nStrictly return in JSON format:\n{\n    "prompt": "Your detailed description here."\n}\n\n### Chat History:\n<chat_history>\n${HISTORY}\n</chat_history>`,
    },
    answer: '{"prompt":"draw a red fox in snow please"}',
  },
  {
    from: "Open WebUI follow-ups",
    call: {
      text: `### Task:\nPredict 3-5 useful messages this user might naturally send next to advance their current objective.\n### Guidelines:\n- Write from the user's point of view, directed to the assistant.\n- Response must be a JSON object with a "follow_ups" key containing an array of strings, no extra text or formatting.\n### Output:\nJSON format: { "follow_ups": ["Suggested next message 1", "Suggested next message 2", "Suggested next message 3"] }\n### Chat History:\n<chat_history>\n${HISTORY}\n</chat_history>`,
    },
    answer: '{"follow_ups":["Make it night","Make it 16:9","Make it 4K"]}',
  },
  {
    from: "Open WebUI follow-ups, Chinese chat",
    call: {
      text: '### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might naturally ask next in this conversation as a **user**.\n### Output:\nJSON format: { "follow_ups": ["Question 1?", "Question 2?"] }\n<chat_history>\nUSER: 画一只雪地里的红狐狸\n</chat_history>',
    },
    answer: '{"follow_ups":["改成夜晚","改成 16:9","改成 4K"]}',
  },
  {
    from: "Open WebUI queries",
    call: {
      text: `### Task:\nAnalyze the chat history to determine the necessity of generating search queries, in the given language.\n\n### Guidelines:\n- Respond **EXCLUSIVELY** with a JSON object. Any form of extra commentary is strictly prohibited.\n- When generating search queries, respond in the format: { "queries": ["query1", "query2"] }\n\n### Chat History:\n<chat_history>\n${HISTORY}\n</chat_history>`,
    },
    answer: '{"queries":[]}',
  },
  {
    from: "Open WebUI autocomplete",
    call: {
      text: `### Task:\nYou are an autocompletion system. Continue the text in \`<text>\` based on the **completion type** in \`<type>\` and the given language.  \n\n### **Output Rules**:\n- Respond only in JSON format: \`{ "text": "<your_completion>" }\`.\n\n### Context:\n<chat_history>\n${HISTORY}\n</chat_history>\n<type>General</type>  \n<text>draw a fo</text>  \n#### Output:\n`,
    },
    answer: '{"text":""}',
  },
  {
    from: "Open WebUI tool choice",
    call: {
      system:
        'Available Tools: [{"name": "web", "description": "Draws and searches", "parameters": {"type": "object"}}]\n\nYour task is to choose and return the correct tool(s) from the list of available tools based on the query. Follow these guidelines:\n\n- Return only the JSON object, without any additional text or explanation.\n\n- If no tools match the query, return an empty array:\n   {\n     "tool_calls": []\n   }',
      text: 'Query: History:\nUSER: """draw a fox"""\nQuery: draw a fox',
    },
    answer: '{"tool_calls":[]}',
  },
  {
    from: "Open WebUI emoji",
    call: {
      text: "Your task is to reflect the speaker's likely facial expression through a fitting emoji. Interpret emotions from the message and reflect their facial expression using fitting, diverse emojis (e.g., 😊, 😢, 😡, 😱).\n\nMessage: ```draw a fox```",
      maxTokens: 4,
    },
    answer: "🙂",
  },
  {
    from: "Open WebUI merge (MoA)",
    call: {
      text: 'You have been provided with a set of responses from various models to the latest user query: "draw a fox"\n\nYour task is to synthesize these responses into a single, high-quality response. It is crucial to critically evaluate the information provided in these responses.\n\nResponses from models: """![image](http://gateway/1.png)"""\n\n"""![image](http://gateway/2.png)"""',
    },
    answer: "![image](http://gateway/1.png)",
  },
];

/** Health checks and channel tests. */
const PROBES: ClientCall[] = [
  {
    from: "songquanpeng/one-api controller/channel-test.go",
    call: { text: "Output only your specific model name with no additional text." },
    answer: "gemini-3-pro-image",
  },
  { from: "QuantumNous/new-api controller/channel-test.go", call: { text: "hi", maxTokens: 16 }, answer: /^Hello/ },
  { from: "BerriAI/litellm proxy/health_check.py", call: { text: "Hey how's it going?", maxTokens: 5 }, answer: /^Hello/ },
  { from: "BerriAI/litellm proxy/health_check.py", call: { text: "What's 1 + 1?", maxTokens: 1 }, answer: "2" },
  { from: "BerriAI/litellm constants.py", call: { text: "test from litellm" }, answer: /^Hello/ },
  { from: "Cherry Studio AiService.checkModel", call: { text: "hi" }, answer: /^Hello/ },
  { from: "langgenius/dify model validation", call: { text: "ping", maxTokens: 10 }, answer: /^Hello/ },
  { from: "a gateway's pong test", call: { text: "Reply with exactly: pong", maxTokens: 8 }, answer: "pong" },
  {
    from: "a client's connection check",
    call: { text: 'Reply with exactly this JSON: {"ok":true,"service":"x"}' },
    answer: '{"ok":true,"service":"x"}',
  },
  { from: "a panel's test button", call: { text: "Say 'ok'" }, answer: "ok" },
  { from: "a panel's test button, Chinese", call: { text: "你好" }, answer: /^你好/ },
  { from: "a panel's test button, Chinese", call: { text: "1+1等于几" }, answer: "2" },
];

/** Titles, names and summaries of chat clients. */
const NAMING: ClientCall[] = [
  {
    from: "NextChat app/locales/en.ts Topic",
    call: {
      ...after,
      text: "Please generate a four to five word title summarizing our conversation without any lead-in, punctuation, quotation marks, periods, symbols, bold text, or additional text. Remove enclosing quotation marks.",
    },
    answer: "Red fox in snow",
  },
  {
    from: "NextChat app/locales/cn.ts Topic",
    call: {
      ...after,
      text: "使用四到五个字直接返回这句话的简要主题，不要解释、不要标点、不要语气词、不要多余文本，不要加粗，如果没有主题，请直接返回“闲聊”",
    },
    answer: "Red fox in snow",
  },
  {
    from: "NextChat app/locales/en.ts Summarize",
    call: { ...after, text: "Summarize the discussion briefly in 200 words or less to use as a prompt for future context." },
    answer: /fox/,
  },
  {
    from: "NextChat app/locales/cn.ts Summarize",
    call: { ...after, text: "简要总结一下对话内容，用作后续的上下文提示 prompt，控制在 200 字以内" },
    answer: /fox/,
  },
  {
    from: "LobeChat chains/summaryTitle",
    call: {
      system: "你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题",
      text: "user: 画一只狐狸\nassistant: 好的\n\n请总结上述对话为10个字以内的标题，不需要包含标点符号，输出语言语种为：zh-CN",
    },
    answer: "一只狐狸",
  },
  {
    from: "Cherry Studio SUMMARIZE_PROMPT",
    call: {
      system:
        "你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题，标题语言与用户的首要语言一致，不要使用标点符号和其他特殊符号",
      text: "draw a red fox in snow",
    },
    answer: "Red fox in snow",
  },
  {
    from: "LibreChat agents title, completion",
    call: {
      text: `Provide a concise, 5-word-or-less title for the conversation, using title case conventions. Only return the title itself.\n\nConversation:\nUser: draw a red fox in snow\nAI: here it is`,
    },
    answer: "Red fox in snow",
  },
  {
    from: "Chatbox nameConversation",
    call: {
      system:
        "Name the conversation based on the chat records.\nPlease provide a concise name, within 10 characters and without quotation marks.\nPlease use the speak language in the conversation.\nYou only need to answer with the name.\nThe following is the conversation:\n\n```\ndraw a red fox in snow\n\n---------\n\n![image](http://gateway/1.png)\n```",
      text: "",
      messages: 0,
    },
    answer: /./,
  },
  {
    from: "n8n packages/cli chat-hub.constants.ts",
    call: {
      system:
        "Generate a concise, descriptive title for this conversation based on the user's message.\n\nRequirements:\n- 3 to 5 words\n- Use normal sentence case (not title case)\n- No quotation marks\n- Only output the title, nothing else\n- Use the same language as the user's message\n",
      text: "draw a red fox in snow",
    },
    answer: "Red fox in snow",
  },
  {
    from: "OpenCode title agent",
    call: { text: "Generate a title for this conversation:\n\nUser: draw a red fox in snow" },
    answer: "Red fox in snow",
  },
  {
    from: "a client's naming prompt",
    call: {
      system: "You are a chat title generator. Please generate a concise title for the following conversation.",
      text: "draw a red fox in snow",
    },
    answer: "Red fox in snow",
  },
  {
    from: "a client's naming prompt, Chinese",
    call: {
      text: "请为以下对话生成一个简洁、描述性的标题（不超过 15 个字）。只返回标题，不要其他内容。\n\n用户消息：画一只狐狸",
      maxTokens: 50,
    },
    answer: "一只狐狸",
  },
  {
    from: "French",
    call: { ...after, text: "Résume cette conversation en un titre de 5 mots maximum, sans guillemets." },
    answer: "Red fox in snow",
  },
  {
    from: "German",
    call: { ...after, text: "Erstelle einen kurzen Titel für dieses Gespräch. Antworte nur mit dem Titel." },
    answer: "Red fox in snow",
  },
  {
    from: "Spanish",
    call: { ...after, text: "Genera un título corto para esta conversación. Responde solo con el título." },
    answer: "Red fox in snow",
  },
  {
    from: "Russian",
    call: { ...after, text: "Придумай короткое название для этого диалога. Выведи только название." },
    answer: "Red fox in snow",
  },
  {
    from: "Japanese",
    call: { ...after, text: "この会話のタイトルを10文字以内で生成してください。タイトルだけを出力" },
    answer: "Red fox in snow",
  },
  { from: "Korean", call: { ...after, text: "이 대화의 제목을 10글자 이내로 생성해 주세요. 제목만 출력" }, answer: "Red fox in snow" },
];

/** sillytavern 1.19.0 (npm), public/scripts. */
const SILLYTAVERN: ClientCall[] = [
  {
    from: "SillyTavern extensions/memory",
    isDirective: true,
    call: {
      ...after,
      text: "Ignore previous instructions. Summarize the most important facts and events in the story so far. If a summary already exists in your memory, use that as a base and expand with new facts. Limit the summary to 200 words or less. Your response should include nothing but the summary.",
    },
    answer: /fox/,
  },
  {
    from: "SillyTavern extensions/stable-diffusion CHARACTER",
    isDirective: true,
    call: {
      ...after,
      text: "In the next response I want you to provide only a detailed comma-delimited list of keywords and phrases which describe Anna. The list must include all of the following items in this order: name, species and race, gender, age, clothing. Do not include descriptions of non-visual qualities such as personality, or anything which could not be seen in a still photograph. Do not write in full sentences.",
    },
    answer: "images",
  },
  {
    from: "SillyTavern openai.js impersonation",
    isDirective: true,
    call: {
      ...after,
      text: "[Write your next reply from the point of view of Bob, using the chat history so far as a guideline for the writing style of Bob. Don't write as Anna or system. Don't describe actions of Anna.]",
    },
    answer: /image/,
  },
  {
    from: "SillyTavern openai.js continue nudge",
    isDirective: true,
    call: { ...after, text: "[Continue your last message without repeating its original content.]" },
    answer: /image/,
  },
];

export const CLIENT_CALLS: readonly ClientCall[] = [...OPEN_WEBUI, ...PROBES, ...NAMING, ...SILLYTAVERN];

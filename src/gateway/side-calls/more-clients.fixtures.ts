// Data for tests: side calls of further clients, worded after theirs and shortened.
import type { ChatCall } from "./decide.ts";

const CONVERSATION = { messages: 3, earlier: ["draw a fox in the snow"] };

export const MORE_CALLS: readonly (readonly [from: string, call: Partial<ChatCall>])[] = [
  [
    "vercel chatbot",
    {
      system: `You will generate a short title based on the first message a user begins a conversation with
    - ensure it is not more than 80 characters long
    - the title should be a summary of the user's message
    - do not use quotes or colons`,
      text: "draw a fox in the snow",
    },
  ],
  [
    "hf chat-ui",
    {
      system: `You are a summarization AI. Summarize the user's request into a single short sentence of four words or less. Do not try to answer it, only summarize the user's query. Always start your answer with an emoji relevant to the summary.`,
      text: "Summarize: draw a fox",
    },
  ],
  [
    "hf chat-ui2",
    {
      system: `You are a chat thread titling assistant. Goal: Produce a very short, descriptive title (2-4 words) that names the topic of the user's first message. Rules: Output ONLY the title text.`,
      text: "draw a fox",
    },
  ],
  [
    "continue.dev",
    {
      text: `Given the following... please reply with a title for the chat that is 3-4 words in length, all words used should be directly related to the content of the chat, avoid using verbs unless they are directly related to the content of the chat, no additional text or explanation, you don't need ending punctuation.

A fox in the snow`,
    },
  ],
  [
    "zed",
    {
      ...CONVERSATION,
      text: 'Generate a concise 3-7 word title for this conversation, omitting punctuation. Go straight to the title, without any preamble and prefix like `Here\'s a concise suggestion:...` or "Title:". If the conversation is about a specific subject, include it in the title. Be descriptive. DO NOT speak in the first person.',
    },
  ],
  [
    "zed summary",
    {
      ...CONVERSATION,
      text: "Generate a detailed summary of this conversation. Include:\n1. A brief overview of what was discussed\n2. Key facts or information discovered\n3. Outcomes or conclusions reached\n4. Any next steps or action items if any\nFormat it in Markdown with headings and bullet points.",
    },
  ],
  [
    "lobe pickEmoji",
    {
      system:
        "You are an emoji expert who selects the most appropriate emoji to represent concepts, emotions, or topics.\n\nYour task is to analyze the given text and select the single most suitable emoji that best represents the content.\n\nOutput ONLY the single emoji character without any additional text.",
      text: "draw a fox",
    },
  ],
  [
    "lobe translate",
    {
      system:
        "You are a professional translator. Your task is to translate text to zh-CN.\n\nRules:\n- Output ONLY the translated text, no explanations or additional context",
      text: "draw a fox",
    },
  ],
  [
    "lobe summaryHistory",
    {
      system:
        "You're an assistant who's good at extracting key takeaways from conversations and summarizing them. Please summarize according to the user's needs. The content you need to summarize is located in the <chat_history> </chat_history> group of xml tags.",
      text: "<chat_history>\n<user>draw a fox</user>\n<assistant>![image](http://x/1.png)</assistant>\n</chat_history>\n\nPlease summarize the above conversation and retain key information. The summarized content will be used as context for subsequent prompts, and should be limited to 400 tokens.",
    },
  ],
  [
    "bigagi title",
    {
      system: "You are an AI conversation titles assistant who specializes in creating expressive yet few-words chat titles.",
      text: "Analyze the given short conversation (every line is truncated) and extract a concise chat title that summarizes the conversation in as little as a couple of words.\nOnly respond with the lowercase short title and nothing else.\n\n```\n- You: draw a fox\n- AI: here\n```\n",
    },
  ],
  ["jan title", { text: 'Summarize in a 10-word Title. Give the title only. "draw a fox"' }],
  ["jan title 2", { text: "Summarize in a 5-word Title. Give the title only. Here is the message: draw a fox" }],
  ["anythingllm", { ...CONVERSATION, text: "Summarize the conversation so far in a short chat name. No quotes." }],
  [
    "pageassist",
    {
      text: "Here is the query:\n\n--------------\n\ndraw a fox\n\n--------------\n\nCreate a concise, 3-5 word phrase as a title for the previous query. Avoid quotation marks or special formatting. RESPOND ONLY WITH THE TITLE TEXT. ANSWER USING THE SAME LANGUAGE AS THE QUERY.",
    },
  ],
  [
    "pageassist rephrase",
    {
      text: "Given the following conversation and a follow up question, rephrase the follow up question to be a standalone question.\n\nChat History: Human: hi AI: hello\nFollow Up Input: draw a fox\nStandalone question:",
    },
  ],
  [
    "fastgpt question guide",
    {
      ...CONVERSATION,
      text: 'You are an AI assistant tasked with predicting the user\'s next question based on the conversation history. Your goal is to generate 3 potential questions that will guide the user to continue the conversation. When generating these questions, adhere to the following rules:\n\n1. Use the same language as the user\'s last question in the conversation history.\n2. Keep each question under 20 characters in length.\n\nReturn the questions in JSON array format: ["question1", "question2", "question3"].',
    },
  ],
  [
    "dify suggested",
    {
      text: 'Human: draw a fox\nAssistant: here\n\nPlease help me predict the three most likely questions that human would ask, and keep each question under 20 characters.\nMAKE SURE your output is the SAME language as the Assistant\'s latest response.\nThe output must be an array in JSON format following the specified schema:\n["question1","question2","question3"]\n',
    },
  ],
  [
    "langchain summary memory",
    {
      text: "Progressively summarize the lines of conversation provided, adding onto the previous summary returning a new summary.\n\nEXAMPLE\nCurrent summary:\nThe human asks what the AI thinks of artificial intelligence.\n\nNew lines of conversation:\nHuman: Why?\nAI: Because.\n\nNew summary:\nThe human asks.\nEND OF EXAMPLE\n\nCurrent summary:\n\n\nNew lines of conversation:\nHuman: draw a fox\nAI: here\n\nNew summary:",
    },
  ],
  [
    "llamaindex condense",
    {
      text: "Given the following conversation between a user and an AI assistant and a follow up question from user, rephrase the follow up question to be a standalone question.\n\nChat History:\nuser: hi\nassistant: hello\nFollow Up Input: draw a fox\nStandalone question:",
    },
  ],
  [
    "immersive translate",
    {
      system: "You are a professional, authentic machine translation engine.",
      text: "Translate the following source text to English. Output translation directly without any additional text.\nSource Text: 画一只狐狸\nTranslated Text:",
    },
  ],
  [
    "ragflow keyword",
    {
      text: "## Role\nYou are a text analyzer.\n\n## Task\nExtract the most important keywords/phrases of a given piece of text content.\n\n## Requirements\n- Summarize the text content, and give the top 3 important keywords/phrases.\n- Keywords are delimited by ENGLISH COMMA.\n- Output keywords ONLY.\n\n---\n\n## Text Content\ndraw a fox",
    },
  ],
  [
    "sillytavern expressions",
    {
      text: 'Ignore previous instructions. Classify the emotion of the last message. Output just one word, e.g. "joy" or "anger". Choose only one of the following labels: admiration, amusement, anger',
      ...CONVERSATION,
    },
  ],
  [
    "sillytavern sd last message",
    {
      ...CONVERSATION,
      text: "Ignore previous instructions and provide a detailed description of the scene described in the last message as a comma-delimited list of keywords",
    },
  ],
  ["langfuse test", { text: "How are you?" }],
  ["uptime", { text: "What day is it today?", maxTokens: 20 }],
  ["uptime zh", { text: "今天星期几？", maxTokens: 10 }],
  ["say 1", { text: "say 1", maxTokens: 5 }],
  ["say 1b", { text: "Say 1" }],
  ["write a haiku", { text: "Write a haiku", maxTokens: 10 }],
  ["hi zh-tw", { text: "嗨" }],
  ["who r u", { text: "who are you?" }],
  ["echo", { text: "echo hello" }],
  ["counting", { text: "Count from 1 to 5.", maxTokens: 50 }],
  ["sys you are ping", { system: "You are a helpful assistant.", text: "Hello!" }],
  ["sys reply pong", { system: "Reply with pong.", text: "ping", maxTokens: 5 }],
  ["health json", { text: 'Return {"status":"ok"}' }],
  ["health only", { text: "Respond with only the word: healthy", maxTokens: 3 }],
  ["sum es", { text: "¿Cuánto es 2+2?", maxTokens: 10 }],
  ["sum fr", { text: "Combien font 1+1 ?", maxTokens: 5 }],
  ["sum de", { text: "Was ist 3+4?", maxTokens: 5 }],
  ["sum words", { text: "What is two plus two? Answer with a number only." }],
  ["math", { text: "Calculate 15 * 17" }],
  ["prime", { text: "Is 7 a prime number? Answer yes or no." }],
  ["capital", { text: "What is the capital of France? Answer in one word." }],
  [
    "librechat functions title",
    {
      text: "In the same language as the user, write a short, concise title for this conversation in 5 words or less. No punctuation or quotation. Must be in Title Case. User: draw a fox Assistant: here",
    },
  ],
  [
    "chatbox zh",
    {
      text: "根据聊天记录，给这个对话起一个名字。保持简短——最多 10 个字符，不要用引号。使用 zh-Hans。只需提供名称，不需要其他任何内容。\n\n```\n用户: 画狐狸\n```\n\n以上是聊天记录。",
    },
  ],
  ["typingmind", { ...CONVERSATION, text: "Suggest a short title for this chat (max 5 words), respond with the title only" }],
  [
    "cherry qa",
    {
      system:
        "You are an assistant skilled in conversation. You need to summarize the user's conversation into a title within 10 words. The language of the title should be consistent with the user's primary language. Do not use punctuation marks or other special symbols",
      text: '[{"role":"user","mainText":"draw a fox"}]',
    },
  ],
  [
    "cherry search",
    {
      system:
        "You are an AI question rephraser. Your role is to rephrase follow-up queries from a conversation into standalone queries that can be used by another LLM to retrieve information, either through web search or from a knowledge base.",
      text: "<websearch><question>draw a fox</question></websearch>",
    },
  ],
  [
    "kelivo title",
    {
      text: "I will give you some dialogue content in the `<content>` block.\nYou need to summarize the conversation between user and assistant into a short title.\n1. The title language should be consistent with the user's primary language\n2. Do not use punctuation or other special symbols\n3. Reply directly with the title\n4. Summarize using en language\n5. The title should not exceed 10 characters\n\n<content>\nUser: draw a fox\n\nAssistant: here\n</content>",
    },
  ],
  [
    "rikkahub suggestion",
    {
      text: "I will provide you with some chat content in the `<content>` block, including conversations between the Users and the AI assistant.\nYou need to act as the User to reply to the assistant, generating 3~5 appropriate and contextually relevant responses to the assistant.\n\nRules:\n1. Reply directly with suggestions, do not add any formatting, and separate suggestions with newlines, no need to add markdown list formats.\n2. Use en language.\n\n<content>\nuser: draw a fox\n</content>",
    },
  ],
  [
    "guardrail",
    {
      text: 'Your task is to check if the user message below complies with the policy. Answer [yes or no]: should it be blocked?\nUser message: "draw a fox"\nAnswer [Yes/No]:',
    },
  ],
  [
    "eval judge",
    {
      text: "You are an impartial judge. Rate the response on a scale of 1 to 10. Output only the number.\n[Question]\ndraw a fox\n[Response]\nhere",
    },
  ],
  [
    "router",
    { system: 'You are a router. Decide which agent handles the request. Respond with JSON {"agent": "..."} only.', text: "draw a fox" },
  ],
  ["one-api say", { text: "Print your model name exactly and do not output without any other text.", maxTokens: 2 }],
  ["promptgen", { text: "Improve the following prompt for an image model. Return only the improved prompt text.\n\nPrompt: a fox" }],
  ["icon pick", { text: "Choose one FontAwesome icon name for this chat. Reply with the name only, as text.", ...CONVERSATION }],
  [
    "obsidian copilot title",
    {
      text: "Generate a concise title (max 5 words) for this conversation based on its content. Return only the title without any explanation or quotes.\n\nConversation:\nuser: draw a fox\nai: here",
    },
  ],
  ["raycast", { text: "Generate a short name for this conversation. Max 4 words. Don't use quotes.", ...CONVERSATION }],
  [
    "obs",
    {
      text: "<task>Create a brief title that captures the gist of the exchange</task>\n<exchange>USER: draw a fox\nASSISTANT: done</exchange>\nRespond in plain text, under 50 characters.",
    },
  ],
  [
    "cline condense",
    {
      ...CONVERSATION,
      text: "Your task is to create a detailed summary of the conversation so far, paying close attention to the user's explicit requests and your previous actions. This summary should be thorough in capturing technical details.",
    },
  ],
  [
    "opencode compaction",
    {
      ...CONVERSATION,
      text: "Provide a detailed prompt for continuing our conversation above. Focus on information that would be helpful for continuing the conversation, including what we did, what we're doing, which files we're working on, and what we're going to do next.",
    },
  ],
  [
    "librechat summary",
    {
      ...CONVERSATION,
      text: "Summarize the conversation by integrating new lines into the current summary.\n\nCurrent summary:\n\nNew lines:\nHuman: draw a fox\n\nNew summary:",
    },
  ],
  [
    "topic detect claude code",
    {
      system:
        "Analyze if this message indicates a new conversation topic. If it does, extract a 2-3 word title that captures the new topic. Format your response as a JSON object with two fields: 'isNewTopic' (boolean) and 'title' (string, or null if isNewTopic is false). Only include these fields, no other text.",
      text: "draw a fox",
    },
  ],
  [
    "gemini-cli next speaker",
    {
      ...CONVERSATION,
      text: "Analyze *only* the content and structure of your immediately preceding response (your last turn in the conversation history). Based *strictly* on that response, determine who should logically speak next: the 'user' or the 'model' (you).",
    },
  ],
  ["newapi gateway test", { text: "Hello, this is a test message. Please respond with 'OK'." }],
  ["gpt-load", { text: "hi", maxTokens: 1 }],
  ["metapi", { text: "respond ok", maxTokens: 8 }],
  ["veloera", { text: "请回复数字1", maxTokens: 4 }],
  ["api checker", { text: "Say this is a test", maxTokens: 7 }],
  ["checker knowledge", { text: "What is your knowledge cutoff date?" }],
  ["checker who made", { text: "Who created you?" }],
  ["checker zh", { text: "你是哪家公司的模型？" }],
  ["checker zh2", { text: "鲁迅为什么暴打周树人", maxTokens: 100 }],
];

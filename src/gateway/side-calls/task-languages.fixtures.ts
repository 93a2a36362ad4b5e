// Data for tests: greetings and titles in further languages.
import type { ChatCall } from "./decide.ts";

const CONVERSATION = { messages: 3, earlier: ["draw a fox in the snow"] };

export const CALLS_WORLDWIDE: readonly (readonly [from: string, call: Partial<ChatCall>])[] = [
  ["greet es", { text: "Hola, ¿cómo estás?" }],
  ["greet fr", { text: "Bonjour, comment ça va ?" }],
  ["greet de", { text: "Hallo, wie geht's?" }],
  ["greet ru", { text: "Привет, как дела?" }],
  ["greet ja", { text: "こんにちは" }],
  ["greet ko", { text: "안녕하세요" }],
  ["greet tr", { text: "Merhaba" }],
  ["greet vi", { text: "Xin chào" }],
  ["greet ar", { text: "مرحبا" }],
  ["greet pl", { text: "Cześć" }],
  ["title tr", { ...CONVERSATION, text: "Bu sohbet için kısa bir başlık oluştur. Sadece başlığı yaz." }],
  ["title pl", { ...CONVERSATION, text: "Wygeneruj krótki tytuł dla tej rozmowy. Zwróć tylko tytuł." }],
  ["title vi", { ...CONVERSATION, text: "Hãy tạo một tiêu đề ngắn cho cuộc trò chuyện này. Chỉ trả về tiêu đề." }],
  ["title ar", { ...CONVERSATION, text: "أنشئ عنوانًا قصيرًا لهذه المحادثة. أعد العنوان فقط." }],
  ["title nl", { ...CONVERSATION, text: "Geef dit gesprek een korte titel. Antwoord alleen met de titel." }],
  ["title id", { ...CONVERSATION, text: "Buat judul singkat untuk percakapan ini. Balas hanya dengan judul." }],
  ["title hi", { ...CONVERSATION, text: "इस बातचीत के लिए एक छोटा शीर्षक बनाएं। केवल शीर्षक लौटाएं।" }],
  ["title th", { ...CONVERSATION, text: "สร้างชื่อเรื่องสั้นๆ สำหรับการสนทนานี้ ตอบเฉพาะชื่อเรื่อง" }],
  ["title uk", { ...CONVERSATION, text: "Створи короткий заголовок для цієї розмови. Виведи лише заголовок." }],
  ["title sv", { ...CONVERSATION, text: "Skapa en kort titel för denna konversation. Svara endast med titeln." }],
  ["title cs", { ...CONVERSATION, text: "Vytvoř krátký název této konverzace. Odpověz pouze názvem." }],
  ["title ja2", { ...CONVERSATION, text: "この会話を10文字以内で要約してタイトルにしてください。句読点は不要です。" }],
  [
    "title zh2",
    {
      ...CONVERSATION,
      text: "使用四到五个字直接返回这句话的简要主题，不要解释、不要标点、不要语气词、不要多余文本，不要加粗，如果没有主题，请直接返回“闲聊”",
    },
  ],
  ["title zh3 maxkb", { text: "请根据以下对话内容，生成一个不超过15个字的标题，只输出标题本身：\n用户：画一只狐狸\n助手：好的" }],
];

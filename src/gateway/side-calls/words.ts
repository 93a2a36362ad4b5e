// Data: vocabulary by which side calls are told from requests for images, in the languages that clients are translated to.
// European words stand without accents and in lower case; Chinese, Japanese and Korean ones are looked for anywhere in the text.

const words = (text: string): ReadonlySet<string> => new Set(text.normalize("NFKD").replace(/\p{M}/gu, "").split(/\s+/).filter(Boolean));
const pieces = (text: string): readonly string[] => text.split(/\s+/).filter(Boolean);

/** Verbs that demand something; what they demand decides: the first noun after them that is known. */
export const DEMANDS = words(`
  generate create make write give provide produce suggest return output propose come craft compose choose select pick determine derive
  predict recommend assign formulate find build reply respond answer state show print extract identify infer distill form design prepare
  get want need generating creating providing generates creates writes produces provides suggests selects
  genera generar crea crear escribe escribir dame proporciona sugiere devuelve responde elige
  genere generez generer cree creez creer ecris ecrivez donne donnez fournis propose renvoie reponds choisis
  generiere generieren erstelle erstellen schreibe gib nenne vergib erzeuge liefere antworte wahle
  gere gerar crie criar escreva forneca sugira retorne responda
  generare scrivi fornisci suggerisci restituisci rispondi
  сгенерируи создай придумай напиши дай предложи верни ответь составь сформулируй выведи
`);

/** What is text when it is demanded. */
export const TEXT_NOUNS: Readonly<Record<string, ReadonlySet<string>>> = {
  title: words(`
    title titles name names naming headline heading topic subject label chatname filename
    titulo titulos nombre asunto titre titres nom sujet titel name thema uberschrift titolo nome assunto
    заголовок название тему имя заголовки
  `),
  tags: words("tag tags keyword keywords hashtag hashtags category categories label labels etiquetas etiquettes schlagworter теги"),
  emoji: words("emoji emojis emoticon эмодзи"),
  summary: words(`
    summary summaries recap synopsis gist abstract digest tldr overview
    resumen zusammenfassung resumo riassunto resume сводку резюме пересказ
  `),
  query: words("standalone query queries searchquery consulta consultas requete requetes suchanfrage suchanfragen запрос запросы"),
  json: words("json yaml xml csv"),
  tool: words("tool tools function functions tool_calls tool_call herramienta outil"),
  follow_ups: words("follow-up follow-ups followup followups follow_ups questions suggestions replies preguntas fragen вопросы"),
  prompt: words("prompt prompts"),
  caption: words("caption captions description descriptions alt-text descripcion beschreibung"),
  translation: words("translation translations traduccion traduction ubersetzung tradução перевод"),
  language: words("language languages"),
  text: words(`
    text sentence sentences paragraph paragraphs poem haiku story stories joke essay email letter code script reply response answer number
    list explanation definition paraphrase continuation completion autocompletion autocomplete classification sentiment score
    analysis intent intention opinion fact facts plan recipe outline quote reasoning message messages markdown
  `),
  model: words("model"),
};

/** Verbs that name a text by themselves. */
export const TEXT_VERBS: Readonly<Record<string, ReadonlySet<string>>> = {
  summary: words(`
    summarize summarise summarizing summarising summarizes condense recap resume resuma resumir resumez fasse zusammenfassen riassumi
    суммируй резюмируй обобщи опиши
  `),
  query: words("rephrase rephrases rephrasing reword"),
  translation: words("translate traduce traduis traduisez ubersetze traduza traduci переведи"),
  title: words("title name rename entitle label"),
  classify: words("decide classify categorize categorise rate grade evaluate judge"),
  text: words(`
    explain tell define calculate compute count rewrite paraphrase proofread compare
    describe analyze analyse detect synthesize complete continue reflect interpret decompose caption transcribe
    dime explica cuenta erklare beantworte explique расскажи объясни
  `),
};

/** What is an image when it is demanded. */
export const VISUAL_NOUNS = words(`
  image images picture pictures photo photos photograph photographs photography illustration illustrations drawing drawings painting
  paintings sketch sketches artwork art render renders rendering logo logos poster posters icon icons wallpaper wallpapers sticker
  stickers avatar portrait portraits banner banners cover thumbnail infographic diagram chart comic meme mockup cartoon scene landscape
  collage mosaic mural graphic graphics wireframe card flyer brochure postcard selfie headshot background texture tattoo silhouette
  imagen imagenes foto fotos dibujo ilustracion cuadro cartel fondo retrato bild bilder zeichnung plakat illustrazione immagine disegno
  dessin affiche photographie imagem desenho изображение картинку картинка рисунок фото фотографию постер логотип иллюстрацию
`);
export const VISUAL_VERBS = words(`
  draw draws drawing paint paints sketch illustrate render depict visualize visualise photograph imagine redraw recolor colorize animate
  dibuja dibujar pinta ilustra zeichne zeichnen male dessine dessiner peins illustre desenhe disegna dipingi нарисуй изобрази
`);
export const MOTION = words(`
  video videos clip clips movie film footage animation animate animated timelapse trailer gif shot cinematic zoom pan dolly camera
  видео ролик анимацию video vídeo pelicula filmato
`);
/** After a text noun these make one image of the two: a title page, a name tag, a summary chart. */
export const VISUAL_TAILS = words(`
  page card screen sequence slide cover art poster banner design badge sign tag plate logo image picture illustration sticker icon
  infographic chart board graphic bubble cloud style font lettering typography wall shelf box belt bar shed shop kit machine character
  effect plot sheet window
  keyboard pack set sheet pillow mascot costume
`);

/** The conversation that a task is about. */
export const ABOUT = words(`
  conversation conversations chat chats dialogue dialog dialogues discussion session sessions messages message history thread transcript
  exchange query talked discussed user's human's assistant user conversacion dialogo charla conversa conversation discussion gesprach unterhaltung verlauf
  conversazione разговор диалог беседы диалога чат чата беседу
`);

/** Words that bound a text. */
export const BOUND_NOUNS = words(`
  word words character characters char chars sentence sentences letters tokens token palabras palabra caracteres mots mot worter wortern
  wort zeichen palavras parole слов слова символов
`);
export const NUMBERS = words(`
  one two three four five six seven eight nine ten twenty single few short cinco tres cuatro diez cinq trois quatre funf drei vier
  несколько пять три
`);
export const ONLY = words(
  "only just solely exclusively exactly strictly solo solamente unicamente seulement uniquement nur apenas только лишь",
);
export const ONLY_WITH = words(`
  list output outputs return reply respond response answer provide give title name text json object summary emoji number word words nothing
  code label letter character respond write itself responda responde devuelve reponds renvoie antworte gib ответь выведи верни название заголовок
`);
export const NOT = words("no without not never don't omit exclude sin sans ohne sem senza без");
export const NOT_WITH = words(`
  quotes quotation quote punctuation explanation explanations markdown prefix preamble commentary formatting lead-in additional extra
  comillas guillemets anfuhrungszeichen aspas кавычек пояснений prefixes introductory
`);

/** Words that begin a question; where no question mark stands, only with one of {@link AUXILIARIES} behind them. */
export const QUESTION_WORDS = words(`
  what what's whats who who's whose which when where why how is are do does did was were will would should
  que cual quien como cuando donde por quoi qui quel quelle comment pourquoi quand est-ce
  was wer wie wann wo warum welche welcher ist sind o que quem qual cosa chi что кто как когда где почему какой
`);

export const AUXILIARIES = words("is are was were do does did can could will would should am has have 's es son est sont ist sind");
/** Whole texts that greet, thank or try the line, without punctuation. */
export const GREETINGS = words(`
  hi hello hey hiya yo ping pong test testing hola salut bonjour hallo ola ciao привет здравствуите merhaba selam xin czesc ahoj hej halo hei
  oi moin servus guten bom buenos buongiorno coucou مرحبا السلام أهلا नमस्ते สวัสดี привіт 你好 您好 嗨 哈喽 在吗 测试 こんにちは テスト 안녕 안녕하세요
  gracias merci danke obrigado grazie спасибо 谢谢 多谢 谢谢你 谢谢您 ありがとう ありがとうございます 감사합니다 thank
  ok okay yes no thanks thx bye ack alive hello-world
`);
export const GREETING_FILLER = words(`
  there world you are how's how it going doing today very much so for your help everyone is this a test message thank u ok all good morning afternoon evening anyone
  como estas que tal todo bien dias tardes comment ca va tout allez-vous wie geht's geht es dir ihnen tag morgen come stai va tudo bem dia
  voce esta как дела nasilsin chao ban dunya co slychac jak sie masz apa kabar عليكم كيف حالك jak se mas hoe gaat het
  home still alive up and i am working online ready available from litellm connection connectivity api healthcheck health check status can hear me please just ignore ignored dummy
`);
/** What may stand around the word that is to be repeated. */
export const PROBE_FILLER = words(`
  with the word words single exactly only just text in one following back if and nothing else to me message when received receive get got read
  see but exact character letter please so can this that your response answer
`);
/** A text of nothing but these, with "you" among them, asks who answers and what it can do. */
export const SELF_WORDS = words(`
  you your yourself who what how are is can do does help me i name introduce tell about capabilities features abilities use with for please
  to hi hello a ai assistant bot model
`);
/** What gateways send with next to no tokens to see whether a model answers; a scene has words beside these. */
export const STATUS_WORDS = words(`
  status statuscheck quota quotas health healthy healthcheck healthz livez readyz liveness readiness check checking recheck verify verification
  validate validation validity ping pong probing keepalive keep-alive availability available connectivity uptime latency usage diagnostics
  diagnostic selftest self-test test testing noop no-op null undefined alive
  状态 额度 余额 用量 配额 健康检查 心跳 心跳检测 探活 探测 连通性 连通性测试 可用性 检测 校验 测活 测速 测试
`);
/** Beside one of {@link STATUS_WORDS}. */
export const STATUS_FILLER = words(`
  api key token model models account balance credit credits billing rate limit limits server service endpoint gateway channel connection
  heartbeat probe monitor system is ok the a this version access upstream
`);
export const PROBE_VERBS = words("reply respond say answer output return echo repeat acknowledge confirm");
export const PROBE_TOKENS = words(`
  ok okay yes no pong ping hi hello test success ready alive true done working ack online connected healthy acknowledged
`);

/** Languages whose verbs do not lead: a title and the conversation that it is for, wherever they stand. */
export const TITLE_WORDS = words(`
  baslık baslik baslig basligi tytul tytuł tytulu tieu titel titeln judul शीर्षक عنوان عنوانا عنوانًا العنوان заголовок назву nazev nazvu titulek
  otsikko cim titlu
`);
export const CONVERSATION_WORDS = words(`
  sohbet sohbete sohbetin konusma rozmowy rozmowa rozmowe chuyen gesprek percakapan obrolan बातचीत المحادثة للمحادثة محادثة розмови розмову
  konverzace konverzaci konversation konversationen keskustelu beszelgetes conversatie conversatiei samtal samtalet samtalen
`);
export const VISUAL_WORDS = words(`
  ciz resim afis kapak poster plakat narysuj obraz okladka tranh anh buc gambar lukis sampul teken tekening afbeelding चित्र पोस्टर ارسم صورة
  намалюи картинку обкладинка rita bild affisch omslag nakresli obrazek obalka
`);

/** Chinese, Japanese and Korean, looked for anywhere in a text. */
export const CJK = {
  nouns: {
    title: pieces("标题 標題 题目 起名 起个名 起一个名 名字 命名 取名 会话名 主题 タイトル 題名 件名 제목 หัวข้อ ชื่อเรื่อง"),
    tags: pieces("标签 標籤 关键词 關鍵詞 タグ キーワード 태그 키워드"),
    emoji: pieces("表情符号 emoji 絵文字 이모지"),
    summary: pieces("总结 總結 概括 摘要 概述 归纳 要約 まとめ 요약"),
    query: pieces("搜索查询 搜索词 查询语句 检索词 検索クエリ 검색어"),
    json: pieces("JSON json"),
    tool: pieces("工具调用 选择工具 函数调用"),
    follow_ups: pieces("后续问题 追问 推荐问题 建议问题 後続の質問 후속 질문"),
    translation: pieces("翻译 翻譯 译成 訳して 번역"),
    text: pieces("解释 回答 回复 计算 讲个 写一首 写一篇 说明 介绍一下 説明 答えて 설명 대답"),
    model: pieces("模型名称 什么模型 哪个模型 你是谁 你是誰"),
  },
  about: pieces(
    "对话 對話 会话 會話 聊天 消息记录 上述 以上内容 这段话 这句话 用户输入 会話 チャット メッセージ 대화 채팅 메시지 การสนทนา บทสนทนา",
  ),
  bounds: pieces(`
    字以内 个字 個字 字左右 字之内 个字符 不要解释 不要标点 不要使用标点 不需要 无需 不要包含 不要添加 不要加 不要输出 只返回 只输出 仅返回 仅输出 只需
    只回复 仅回复 直接返回 直接输出 直接回复 不超过 文字以内 文字程度 のみ だけを だけ出力 余計な 글자 만 출력 이내로 만 반환 만 답
  `),
  visual: pieces(`
    画 畫 肖像 贴纸 绘制 繪製 图片 圖片 图像 圖像 照片 海报 海報 插画 插畫 壁纸 头像 图标 生成一张 生成一幅 来一张 描绘 信息图 漫画 设计一 封面 写真 描いて
    改成 改为 改小 改大 换成 变成 去掉 移除 加个 加一个 说明图 消して 지워 图里 图中 图上 把文字 把标题 张图 示意图 插图 产品图 表情包 名片 书法 宣纸 界面 首页 วาด ภาพ รูป
    イラスト 画像 絵を 表紙 표지 그려 그림 이미지 사진 포스터 로고
  `),
  motion: pieces("视频 視頻 影片 动画 短片 動画 アニメーション 영상 비디오"),
  question: pieces("吗 呢 什么 什麼 怎么 怎麼 为什么 是谁 多少 几点 哪里 ですか ますか 何 なぜ 무엇 뭐 왜 인가요 나요"),
} as const;

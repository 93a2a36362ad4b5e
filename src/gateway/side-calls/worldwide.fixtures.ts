// Data for tests: requests for images in the words of tasks, in many languages and at length.

/** One a line. */
export const GENUINE_WORLDWIDE: readonly string[] = `
你是谁的小猫
标题改小一点
测试用图，随便画
タイトルを消して
제목을 지워줘
总结成一张图
概括这篇文章做成信息图
什么样的猫最可爱
为什么天空是蓝色的，科普插图
小狗呢
换成白天呢
可以再亮一点吗
能不能加一只鸟？
可以帮我去掉水印吗？
能把她的衣服换成红色吗
怎么样让它更真实
你好，画一只狐狸
你好世界，像素风
请只返回图片：一只熊
只输出图片，不要文字，一座山
只回复图片，樱花
直接输出一张山水
不要解释，樱花树下的少女
不超过三种颜色的狐狸
关键词：狐狸，雪，夜晚
主题：春天 风格：水彩
标题：你好夏天 副标题：限时特惠
主题是海洋
JSON风格的机器人
{"主体":"狐狸","场景":"雪地","标题":"冬"}
起名为小红的女孩
翻译机产品图
猫の会話
要約された世界
タイトルは「春」、シンプルなデザイン
答えを探す少年
何を見ているの、少女
空は何色？
メッセージカード
もう少し明るくできますか
ロゴを作って
제목이 "봄"인 책 표지
대화하는 두 사람
더 밝게 해줄 수 있나요
설명 없이 고양이
무엇이든 아름다운 것
Hazme un perro con sombrero
¿Puedes ponerle un sombrero?
Qué bonita noche estrellada
¿Cómo sería Marte con océanos?
Escribe "Feliz cumpleaños" en un pastel
Título: Otoño. Estilo: acuarela
un resumen visual del ciclo del agua
una etiqueta de vino
cuenta cuentos para niños, ilustración
Peux-tu ajouter un chapeau ?
Quelle belle journée à la plage
Écris "Bonne fête" sur un gâteau
une étiquette de confiture
Fais un résumé en image
un titre de journal: "Mars!"
Kannst du den Hintergrund ändern?
Was für ein schöner Morgen im Wald
Schreib "Alles Gute" auf eine Torte
Ein Brief mit dem Wort Liebe
Erkläre die Photosynthese als Schaubild
Wie sähe Berlin im Jahr 3000 aus?
Напиши "С днём рождения" на торте
Какой красивый закат над морем
Можешь добавить шляпу?
сделай фон синим
опиши картину: лес и река
Что если бы у котов были крылья
Kedi çiz
uzayda bir kedi
Bir kitap kapağı, başlık "Yaz"
Con mèo trên mái nhà
Vẽ một con mèo
قطة على القمر
ارسم قطة
बिल्ली का चित्र बनाओ
चाँद पर बिल्ली
แมวบนดวงจันทร์
kot na księżycu
narysuj kota
dua orang sedang mengobrol di kafe
gambar kucing
Könyvborító, cím: Nyár
rita en katt
A cinematic still of a man asking "who are you?" to a mirror
Two characters: "Why?" "Because." – manga panel
Speech bubble: "What time is it?"
A teacher asks: "2+2?" on a blackboard
Quiz show host: "Which model is this car?"
Which model of car is this, in red, on a track
Please generate a new version
Please respond in image form
Please give me 4 options
Give me more options
Give me 3 alternatives
Give me something else
Give me the same without text
Make 3 suggestions for a living room
Make a list of ingredients as a drawing
Make a story of a boy
Make a joke about cats
Make me laugh
Make the message clear
Make the letters golden
Make the number 5 bigger
Make a code-like pattern
Make the response sheet look old
Write a story of a dragon with pictures
A letter from the user to the model, hand written
I want a title
I want the text to be red
I need text "50% off"
I need a name: Luna, written in stars
I would like an answer in the form of a picture
Put the text "Query" on the shirt
Put only one word on the sign
Use only two words
Use no words
Add the title "Home"
Add a summary box at the bottom
Add a caption in 5 words: life is good my friend
Add a hashtag #love
Add tags
Add labels
Add an emoji
Add a question mark
Add the date 2024-05-01
Delete the text
Delete everything but the cat
Fix the text
Fix spelling: "Recieve" -> "Receive"
Correct the sentence on the board
Change the language of the sign to English
Change the language to French
Swap the text with "Hi"
Set the title to "Hi"
Move the title to the top
Use the title "Sunrise" and the tags as stickers
Only change the title
Only the title, nothing else should change
Keep only the title
Don't change the text
No title please
No emoji
Without text
Text only on the left
Shorter text
Shorter title
Bigger emoji
Create a text-only poster: "Less is more"
Create a title: "Spring"
Create an emoji
Create an emoji pack
Create a summary of my year as a collage
Create a conversation scene
Create a character description sheet
Create a character named Query
Create a story about a brave knight
Create a recipe card for pancakes
Create a plan of a garden
Create an outline drawing of a horse
Create a quote: "Be yourself"
Create a fact sheet about whales
Create a number 5 made of fruit
Create a letter A made of leaves
Create a prompt-like neon
Create a query-themed meme
Create a search bar
Create a function plot of sin(x)
Create a tool belt
Create a list icon
Generate a response: a thumbs up hand
Generate a random character
Generate a text effect "FIRE"
Generate a haiku scene
Generate a joke image
Generate a caption bubble
Generate a description-based portrait: tall, blond, blue eyes
Generate a model wearing a red dress
Generate a fashion model
Show a model in a studio
Show the answer
Show a summary slide
Show two persons in conversation
Show a message in a bottle
Design a name badge
Design a title screen for a game called "Answer"
Design a text logo "Word"
`
  .trim()
  .split("\n");

export const LONG_GENUINE: readonly string[] = [
  "Create a high-end editorial photograph of a woman in a flowing red dress standing in a wheat field. The title 'VOGUE' should appear at the top in large serif letters. No other text. Only natural light. Output a single image.",
  "You are a world-class illustrator. Create a children's book cover. Title: 'The Fox and the Moon'. Author name at the bottom. Do not include any other words. Return only the image.",
  "Based on our conversation, generate an image that summarizes what we discussed.",
  "Based on the description above, create the final scene.",
  "Using the character description below, produce the scene.\n\nName: Mira\nAge: 12\nHair: silver\nSummary: a young witch who talks to cats\n\nScene: she answers a letter by candle light.",
  "# Task\nGenerate a product shot.\n\n# Rules\n- white background\n- no text\n- only one product\n\n# Output\nOne square image.",
  "Your task is to create a book cover. Rules: title must be 'Query', max 3 words, no quotes. Output format: image.",
  'Create a 4-panel comic.\n\nPanel 1:\nUser: "Hello?"\nAI: "Hi!"\n\nPanel 2:\nUser: "Draw a fox"\nAI: "Done"',
  "Make a meme of this chat:\nMe: can you fix it\nBoss: by tomorrow?\nMe: sure",
  "Me: my cat at 3am. Photo style.",
  "Human: a tall woman with dark skin\nEnvironment: desert\nMood: calm",
  "Model: young woman, 25\nOutfit: denim jacket\nPose: sitting on a chair\nBackground: gray",
  "Model: red sports car",
  "system: solar, eight planets, educational poster",
  "AI: glowing brain, blue circuits",
  "Bot: small, rusty, friendly",
  '```json\n{"scene": "fox", "title": "Snow"}\n```',
  "```\na fox in the snow, oil painting\n```",
  "<prompt>a fox in the snow</prompt>",
  "<image_prompt>\nA knight answers a question.\n</image_prompt>",
  '"A man asks a question to the sphinx"',
  "“一只狐狸在雪地里”",
  'Generate an image for the following text:\n"The user asked the assistant for a summary of the conversation."',
  'Create an illustration for this blog post title: "Why your chat history matters"',
  "Illustrate this conversation:\nUser: hello\nAssistant: hello",
  'Create a scene in which one person says: "Reply with exactly: pong"',
  "I'd like a wide shot where the protagonist reads a message. Keep the tone melancholic. No captions, no quotes.",
  "A poster. Headline: Answer only yes. Subline: in one word.",
  "An ad. Text: 'Just say OK'",
  "Full body, woman named Aria, 3 words tattooed on arm; output in 4k, only one person, no text, no watermark, no extra fingers",
  'Please make one where the man is asking the woman, "what is your name?" and she answers with a smile',
  "Story: A user chats with his toaster. Style: Pixar. Keep it in 1 image.",
  "Now make a version for the French market: translate the headline, keep everything else.",
  "Translate the headline to French, keep everything else the same",
  "Translate to English",
  "translate",
  "in English please",
  "Answer in French: draw a fox",
  "请根据以下内容生成图片：\n用户：你好\n助手：你好呀",
  "根据上面的对话，画一张图",
  "根据上述描述生成",
  "根据以下提示词生成：狐狸，雪地，不要文字",
  "生成：一个标题为“总结”的PPT首页，不超过10个字",
  "一张PPT，标题：年度总结，要求：不要多余文字",
  "制作一张对话框截图：“你好吗？”“我很好”",
  "写一个“福”字",
  "写“新年快乐”四个字，书法",
  "写一首诗在宣纸上",
  "手写信，内容：我爱你",
  "用三个词形容秋天，做成海报",
  "设计：名片，姓名：张三，职位：翻译",
  "人物介绍：张三，25岁，程序员。场景：办公室",
  "角色：小红\n描述：一个回答问题的女孩\n风格：动漫",
  "回复表情包：收到",
  "“收到”表情包",
  "说“茄子”的一家人",
  "输出4K高清壁纸，星空",
  "返回上一个版本",
  "返回白天",
  "回答者的雕像",
  "说书人",
  "说好的幸福",
  "输出一只猫",
  "直接返回一只猫",
  "请说明书风格",
  "请输出：狐狸",
  "回复：狐狸",
];

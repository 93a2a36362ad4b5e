// Data for tests: texts that ask for an image, however short.

export const GENUINE: readonly string[] = [
  "a cat",
  "猫",
  "logo, flat, red",
  "Say cheese",
  "fox",
  "a sunset over the sea",
  "Create a title page for my book",
  'a poster with the title "Jaws"',
  "draw an emoji of a cat",
  "Summarize the French revolution as an infographic",
  "Write 'Happy Birthday' on a cake",
  "hello kitty",
  "hi-vis jacket",
  "Hello, draw me a cat",
  "test pattern",
  "2+2 written on a blackboard",
  "ping pong table",
  "What would a dragon look like in a kitchen?",
  "a name tag that says Bob",
  "search icon",
  "json icon",
  "Can you make me a fox?",
  "画一只猫",
  "一只猫在雪地里",
  "make it red",
  "blue",
  "make it night",
  "16:9",
  "4K",
  "another one",
  "again",
  "same but with a hat",
  "the last supper",
  "Generate a logo. Name: Foxy",
  "An infographic summary of the water cycle",
  "Give me a wallpaper with 3 words: live, laugh, love",
  "a summary of autumn in one picture",
  "robot reading a query",
  "word cloud about love",
  "Tag, you're it: children playing in a field",
  "Reply with an image of a cat",
  "create a speech bubble saying hello",
  "a cat saying hi",
  "draw the title page of a book",
  "Ein Fuchs im Schnee",
  "un gato negro",
  "рыжая лиса",
  "きつね",
  "고양이",
  "a conversation between two robots in a cafe",
  "Design a book cover titled 'The Last Message', only two colors",
  "chat bubble icon",
  "A man writes a message on paper",
  "The history of chess, oil painting",
  "a red sign with the words only members",
  "Three words carved in stone",
  "Please create a fox",
  "translate the text in the image to French and keep the layout",
  "Draw a title card saying Intro. Output only the image, no text explanation.",
  "Change the title to 'Hello'",
  "remove the text",
  "1920x1080",
  "2024",
];

/** More of them, one a line. */
export const MORE_GENUINE: readonly string[] = `
a dog on a skateboard
portrait of an old fisherman
Paris at night in the rain
cyberpunk street market
a watercolor of tulips
minimalist coffee shop logo
3d render of a robot
make a birthday card for mom
turn this into a sketch
add a rainbow
remove the background
change the sky to sunset
make him smile
zoom out
more realistic
in the style of van gogh
higher contrast please
without the hat
give the cat wings
put a crown on the dog
now in winter
bigger text
fix the hands
a list of fruits drawn as icons
map of Middle-earth
the word LOVE in balloons
neon sign saying OPEN
a book titled Answers on a table
newspaper front page with headline 'MARS!'
infographic: how bees make honey
create a meme with caption 'monday again'
business card for John Smith, lawyer
movie poster named The Last Query
a chat between a cat and a dog, comic strip
a girl writing a letter
students answering questions in class
a sentence written in sand
twitter screenshot of a message saying hi
emoji of a laughing avocado
app icon, blue
sticker of a taco
tattoo design: wolf
floor plan of a house
three cats, two dogs
one red apple only
only the moon
nothing but stars
no people, empty beach
a house without windows
single rose
five words in graffiti: hope love peace joy life
hello in japanese calligraphy
a sign with hello world
cat named Whiskers
Name: Luna, species: elf, hair: silver
Generate 3 variations of a tree
Give me something beautiful
Surprise me
something funny
Generate an image of a quote: 'be kind'
Write hello in the clouds
Show me a summary chart of sales
visualize the concept of time
Describe a sunset
Imagine a city under water
What if dinosaurs were alive today
How would Tokyo look in 2100?
Can I get a picture of a sloth?
could you please design a logo for my bakery called 'Sweet Title'
I want a fox
I need a banner for my shop
please make it blue
Ok, now make it bigger
yes, but darker
thanks, now add a tree
Hi! Can you draw a unicorn?
Hello! I'd like a picture of my cat as a king
Test tube with green liquid
ping-pong ball
hey arnold style boy
Good morning card with flowers
good morning flowers
how to tie a tie, step by step illustration
what a fox dreams about
who framed roger rabbit style
why so serious joker
is this love, album art
when pigs fly
an answer carved in stone
question mark made of fire
translation booth at the UN
json bourne movie parody poster
keyword magnet on fridge
title fight boxing ring
tag team wrestlers
label for a wine bottle: 'Chateau Query'
a tool box
tools on a workbench
functional kitchen
code on a screen, hacker
typing on keyboard
story book illustration of a hen
poem written on parchment
画一张海报，标题是“春天”
一张写着“对话”的书法
聊天的两只猫
生成一个标签贴纸
设计一个名为“总结”的logo
翻译官的肖像
一个回答问题的机器人
只要一朵玫瑰
不要文字，山水画
改成红色
去掉背景
再来一张
换个风格
加一顶帽子
夕阳
タイトル入りの表紙を描いて
会話する二匹の猫
고양이 두 마리
un cartel con el título 'Fiesta'
una conversación en un café
ein Plakat mit dem Titel 'Sommer'
zwei Leute im Gespräch
un chat noir
un titre en lettres d'or
нарисуй название города из огней
разговор двух котов
un gatto che parla
um título em neon
`
  .trim()
  .split("\n");

/** Texts that ask for a video, one a line. */
export const VIDEOS: readonly string[] = `
a fox running
drone shot over mountains
a man says hello and waves
two friends talk about the weather
a title card that fades in: THE END
cat playing piano
a chef answers the phone
make the clouds move
continue the video
extend it
a woman whispers: 'only you'
ocean waves
sunrise timelapse
a robot writes a letter
slow motion of water drop
一只猫在跳舞
日出
猫が走る
ein Hund rennt
un perro corre
the camera follows a child
close-up of an eye opening
a kid asks a question in class
a countdown from ten
breaking news anchor reading the summary
`
  .trim()
  .split("\n");

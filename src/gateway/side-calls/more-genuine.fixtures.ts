// Data for tests: requests for images in the words and forms of tasks: edits, questions, labels, scenes as JSON.

/** One a line. */
export const GENUINE_LINES: readonly string[] = `
Draw the following: a red fox
Create an image of the following scene: a child reading a title aloud
Write the following on a birthday cake: Happy Birthday
Make the following in watercolor: a language school
Reply with an image of a sad robot
"say yes" neon sign
Don't explain, just draw. A red car.
please respond with image only: neon city
do you like cats? me too. draw one
In one word: chaos
what is beyond the stars
thank you card with flowers
yes do that
ok but smaller
Respond only with a picture of a lighthouse
Answer with a drawing: what is love?
Output only the image: a red door
Return only one image, no text: mountains at dawn
Generate a title image for my podcast "Talk Talk"
Create a thumbnail with the title "10 tips" in 3 words
Write "Sale 50%" in big letters on a shop window
Write the word 'peace' in calligraphy
Write my name, Anna, with roses
Make the title bigger
Make the text say "Goodbye"
Replace the title with "Summer"
Change the caption to "Hello world"
Translate the text on the sign to German
Translate this poster into Spanish
Translate all labels to Japanese
Remove the title and the tags
Rename the shop sign to 'Bakery'
Name tag design, conference, blue
Give the character a name tag reading Max
Give me a cute emoji of a frog
Emoji style sticker, laughing cat
Make an emoji of my face
Choose a better background color
Pick a more dramatic angle
Suggest a different outfit for her
Describe a scene: a boy and his dragon flying over London
Explain photosynthesis with a diagram
Explain how a combustion engine works as an illustration
Show how to fold a paper plane in 6 steps
Summarize this article as a comic strip
Summarise WW2 in one poster
A summary infographic of climate change, only 5 words per section
Visual summary of the conversation between Socrates and Plato
Tell a story in four panels about a lost dog
Tell the story of Icarus in a comic, no words
List of 12 zodiac signs as icons
Count to ten poster for kids
Count the sheep, childrens book illustration
A question mark made of smoke
What is the meaning of life? surrealist painting
What does the fox say
Who let the dogs out
Where the wild things are
How to train your dragon, but with cats
Why did the chicken cross the road, cartoon
When the night falls
Is this a pigeon meme with a cat
What would happen if the moon were made of cheese?
How does a black hole look?
What do you think Atlantis looked like?
Can you put the cat on a skateboard?
Can you remove the person on the left?
Could you change the background to a beach?
Would you mind making it brighter?
Can we try it in watercolor?
Could it be at night?
What about in blue?
How about a version with snow?
What if she wore a hat?
Is it possible to add a dragon?
Why not make the sky purple?
Do it again but with two cats
Do the same for a dog
Now do one for Christmas
Try again
Again, please
One more
next
continue
go on
more
no, bigger
yes
yes please
ok do it
perfect, now with sunglasses
great! now a 16:9 version
thanks but make it darker
thank you, now add a moon
nice. Add rain.
hello world program on a retro computer screen
hello from the other side, album cover
hi there sign, wooden
test card, BBC style
testing the water with a toe
ping the penguin, cartoon mascot
model on a runway, which is made of glass
your model name on a license plate
{"scene":"a fox in snow","style":"oil painting","lighting":"golden hour"}
{"prompt": "a castle on a hill", "negative": "people, text", "aspect": "16:9"}
{"subject": {"type": "woman", "hair": "red", "pose": "sitting"}, "camera": {"lens": "85mm"}, "title": "Autumn"}
{"task":"generate_image","title":"The Last Message","description":"a letter on a table","tags":["vintage","paper"]}
{"title": "Neon City", "summary": "a street at night", "mood": "melancholic"}
Scene: a kitchen. Subject: an old woman. Mood: calm. Title: none.
Subject: fox; Style: ukiyo-e; Text: none; Colors: only two
Prompt: a fox in the snow --ar 16:9 --v 6
Title: The Old Man and the Sea. Style: linocut.
Title of the book: "Silence". Author: J. Doe. Make the cover.
prompt: cat, negative prompt: text, words, letters
masterpiece, best quality, 1girl, solo, smile, looking at viewer
1girl, no text, no watermark, only head
logo for "Query", a search startup
logo for Summary AI, minimalist, no text
App icon for a chat app, only a bubble
a website for a translator, hero section
UI mockup of a chat conversation between a user and an assistant
screenshot of a chat: user asks "hi", assistant answers "hello"
a chat history printed on a long paper roll
a user manual page
User: a robot. Assistant: a human. Role reversal cartoon.
two people exchanging messages by pigeon
a photo of a handwritten list of words
a page of code in Python on a monitor
an essay graded with an A+
A prompt: fox
haiku about frogs, as ink painting
a poem by Rumi on parchment
Poem in the shape of a heart
Write a love letter on old paper, photo
Write me a birthday card
Write a neon sign "Open 24h"
a JSON file as a person
xml tags dancing
"Nothing else matters" album cover
only words on a wall
no words, just colors
just a plain white cup
just the logo, nothing else
only output the picture
simply return the picture, no explanation
no explanation needed, just draw a bear
keep the answer short: draw a bear
Draw a bear. Do not add any text.
Draw a bear and give it a name
Draw a bear. What's its name?
Draw a sign with 3 words
Design a label for honey, title "Golden", tags: organic, local
Create 3 tags for clothes, realistic
Create a tag cloud of animals
Generate a name plate for a door: Dr. Who
Generate keywords floating in space
Produce a cover for 'The Query'
Propose a living room design
Propose three hairstyles for this man
Recommend an outfit on a mannequin
Compose a still life with lemons
Compose a scene with three characters: A, B and C
Find Waldo style crowd
Find the hidden cat puzzle
Extract the cat from the photo
Extract the subject on transparent background
Identify the flower and draw it
Classify animals by habitat chart
Rate my drawing sticker set 1-10
Compare a cat and a tiger side by side
Label the parts of a cell
Label each planet
Label the diagram in French
Caption this: 'when the code works'
Title this painting with a brass plate
Detect the edges and make a line drawing
Analyze the lighting and make it warmer
Rewrite the sign so that it says CLOSED
Rewrite history: Napoleon with a smartphone
Complete the drawing
Complete the missing half of the face
Continue the pattern
Continue the story: next panel
Transform the text into graffiti
Turn the conversation into a comic
Turn my message 'I love you' into art
Convert to black and white
convert it into a JSON-like hologram
Reply to this tweet: image macro
answer key, vintage brass
Answer: a door made of light
Say 'cheese' – group photo
Say hello to my little friend, movie still
say it with flowers
Repeat the pattern 4 times
Repeat the last picture with snow
Repeat
Echo of a scream, abstract
return to innocence
return of the jedi, lego style
print of a woodblock wave
Print the number 7 in gold
Print your name on a mug
output of a 3d printer
confirm button, green, glossy
acknowledge the corn
status icons: ok, warning, error
healthy breakfast
alive and well
good morning sunshine
good evening mr bond
good night
how are you feeling? emoji chart
this is fine dog
this is a pipe
I am the walrus
are you experienced, hendrix poster
42
7
1984
007
2001: a space odyssey
3+1 dimensions
1+1=3 abstract
100%
50/50
9/11 memorial
24/7 neon sign
3 x 3 grid
4x4 truck
A
X
🦊
❤️
🐱 in space
🦊❄️
😀
画一个表情
给我一个可爱的表情包
生成一个总结性海报
给我的猫起名牌
帮我把标题改成“你好”
把文字翻译成英文
把图里的字翻译成英文，其他不变
图中的标题去掉
两个人在对话
一个聊天界面
聊天记录截图，用户说你好
用户登录页面设计
解释光合作用的示意图
说明书封面
介绍一下北京的海报
回答问题的小学生
`
  .trim()
  .split("\n");

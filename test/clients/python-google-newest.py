# Calls of the newest google-genai that the gateway promises; prints what came of each as one JSON object. Arguments: base URL, key, base URL and key of a slow gateway.
import base64, io, json, sys, time, traceback
from google import genai
from google.genai import errors, types

base_url, key, slow_url, slow_key = sys.argv[1:5]
MODEL = "gemini-3-pro-image"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
results = {}

client = genai.Client(api_key=key, http_options={"base_url": base_url})
slow = genai.Client(api_key=slow_key, http_options={"base_url": slow_url})
express = genai.Client(vertexai=True, api_key=key, http_options={"base_url": base_url})
stranger = genai.Client(api_key="wrong", http_options={"base_url": base_url})


def check(act):
    try:
        results[act.__name__] = act()
    except Exception:
        results[act.__name__] = {"raised": traceback.format_exc()}


def pictures(answer):
    parts = (answer.candidates[0].content.parts if answer.candidates and answer.candidates[0].content else None) or []
    return len([part for part in parts if part.inline_data])


def until(read):
    deadline = time.time() + 15
    while time.time() < deadline:
        value = read()
        if value:
            return value
        time.sleep(0.1)
    raise TimeoutError()


@check
def chat():
    chat = client.chats.create(model=MODEL)
    return [pictures(chat.send_message("a fox")), pictures(chat.send_message("now blue"))]


@check
def stream():
    return sum(pictures(chunk) for chunk in client.models.generate_content_stream(model=MODEL, contents="a fox"))


@check
def silent_stream():
    return sum(pictures(chunk) for chunk in slow.models.generate_content_stream(model=MODEL, contents="a fox"))


@check
def options():
    config = types.GenerateContentConfig(
        temperature=0.5,
        response_modalities=["IMAGE"],
        safety_settings=[types.SafetySetting(category="HARM_CATEGORY_HARASSMENT", threshold="BLOCK_NONE")],
        tools=[types.Tool(google_search=types.GoogleSearch())],
        thinking_config=types.ThinkingConfig(include_thoughts=True),
        image_config=types.ImageConfig(aspect_ratio="16:9", image_size="2K"),
    )
    answer = client.models.generate_content(model=MODEL, contents="a fox", config=config)
    candidate = answer.candidates[0]
    return {"searched": candidate.grounding_metadata.web_search_queries is not None, "thought": any(part.thought for part in candidate.content.parts)}


@check
def edit():
    uploaded = client.files.upload(file=io.BytesIO(PIXEL), config={"mime_type": "image/png", "name": "my-pixel"})
    used = pictures(client.models.generate_content(model=MODEL, contents=[uploaded, "make it blue"]))
    client.files.delete(name=uploaded.name)
    try:
        client.files.get(name=uploaded.name)
    except errors.ClientError as error:
        return {"name": uploaded.name, "used": used, "gone": [error.code, error.status]}


@check
def image_interaction():
    made = client.interactions.create(model=MODEL, input="a fox")
    return [made.status, made.output_image is not None]


@check
def video_interaction():
    made = client.interactions.create(model="gemini-omni-1.2-flash", input="a fox", background=True)

    def done():
        now = client.interactions.get(made.id)
        return now if now.status != "in_progress" else None

    ended = until(done)
    return [ended.status, base64.b64decode(ended.output_video.data)[4:8].decode()]


@check
def streamed_interaction():
    return [event.event_type for event in client.interactions.create(model=MODEL, input="a fox", stream=True)][-1]


@check
def no_videos_without_express():
    try:
        client.models.generate_videos(model="veo-3.1-generate-preview", prompt="a fox")
    except ValueError:
        return "ValueError"


@check
def express_mode():
    image = pictures(express.models.generate_content(model=MODEL, contents="a fox"))
    images = len(express.models.generate_images(model="imagen-4.0-generate-001", prompt="a fox", config={"number_of_images": 2}).generated_images)
    operation = express.models.generate_videos(model="veo-3.1-generate-001", source=types.GenerateVideosSource(prompt="a fox"))

    def done():
        now = express.operations.get(operation)
        return now if now.done else None

    return [image, images, until(done).response.generated_videos[0].video.video_bytes[4:8].decode()]


@check
def wrong_key():
    try:
        list(stranger.models.list())
    except errors.ClientError as error:
        return [error.code, error.status]


print(json.dumps(results))

# Every call of Google's Python client that the gateway promises; prints what came of each as one JSON object. Arguments: base URL and key of a gateway, of one behind https, of a slow one.
import base64, io, json, sys, time, traceback
from google import genai
from google.genai import errors, types

base_url, key, https_url, https_key, slow_url, slow_key = sys.argv[1:7]
MODEL = "gemini-3-pro-image"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
results = {}


def client_of(url, api_key):
    return genai.Client(api_key=api_key, http_options=types.HttpOptions(base_url=url))


# Kept in names: a client that nobody holds closes its connections.
client = client_of(base_url, key)
behind_https = client_of(https_url, https_key)
slow = client_of(slow_url, slow_key)
stranger = client_of(base_url, "wrong")


def check(act):
    try:
        results[act.__name__] = act()
    except Exception:
        results[act.__name__] = {"raised": traceback.format_exc()}


def pictures(answer):
    parts = (answer.candidates[0].content.parts if answer.candidates and answer.candidates[0].content else None) or []
    return [part.inline_data.mime_type for part in parts if part.inline_data]


def until(read):
    deadline = time.time() + 15
    while time.time() < deadline:
        value = read()
        if value:
            return value
        time.sleep(0.1)
    raise TimeoutError()


@check
def generate_content():
    return pictures(client.models.generate_content(model=MODEL, contents="a fox"))


@check
def generate_content_with_picture():
    contents = [types.Part.from_bytes(data=PIXEL, mime_type="image/png"), "make it blue"]
    config = types.GenerateContentConfig(response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio="16:9", image_size="2K"))
    return pictures(client.models.generate_content(model=MODEL, contents=contents, config=config))


@check
def generate_content_stream():
    return [mime for chunk in client.models.generate_content_stream(model=MODEL, contents="a fox") for mime in pictures(chunk)]


@check
def silent_stream():
    return [mime for chunk in slow.models.generate_content_stream(model=MODEL, contents="a fox") for mime in pictures(chunk)]


@check
def chat():
    chat = client.chats.create(model=MODEL)
    return [pictures(chat.send_message("a fox")), pictures(chat.send_message("now blue"))]


@check
def models():
    names = [model.name for model in client.models.list(config={"page_size": 50})]
    return {"many": 10 < len(names) <= 30, "one": client.models.get(model=MODEL).name, "tokens": client.models.count_tokens(model=MODEL, contents="a fox").total_tokens > 0}


@check
def wrong_key():
    try:
        list(stranger.models.list())
    except errors.ClientError as error:
        return {"code": error.code, "status": error.status}


@check
def files():
    uploaded = client.files.upload(file=io.BytesIO(PIXEL), config={"mime_type": "image/png", "display_name": "pixel"})
    state = client.files.get(name=uploaded.name).state.name
    used = pictures(client.models.generate_content(model=MODEL, contents=[uploaded, "make it blue"]))
    listed = uploaded.name in [file.name for file in client.files.list()]
    client.files.delete(name=uploaded.name)
    return {"state": state, "used": len(used), "listed": listed}


@check
def generate_videos():
    operation = behind_https.models.generate_videos(model="veo-3.1-generate-preview", prompt="a fox", config={"aspect_ratio": "9:16"})

    def done():
        now = behind_https.operations.get(operation)
        return now if now.done else None

    video = until(done).response.generated_videos[0].video
    return behind_https.files.download(file=video)[4:8].decode("latin1")


@check
def interactions():
    made = client.interactions.create(model="gemini-omni-1.2-flash", input="a fox", background=True)

    def done():
        now = client.interactions.get(made.id)
        return now if now.status == "completed" else None

    return {"id": made.id[:3], "status": until(done).status}


print(json.dumps(results))

# Google's official Python client against a gateway: python3 google_genai.py <base url> <key>. Prints one JSON line of what it saw.
import io
import json
import sys
import time

from google import genai
from google.genai import errors, types

base_url, key = sys.argv[1:]
MODEL = "gemini-3.1-flash-image"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6364f8cf500f00030601805a347d6b0000000049454e44ae426082"
)


def client_of(api_key):
    return genai.Client(api_key=api_key, http_options=types.HttpOptions(base_url=base_url))


client = client_of(key)
seen = {}


def pictures(response):
    parts = response.candidates[0].content.parts if response.candidates and response.candidates[0].content else []
    return [part for part in parts or [] if part.inline_data]


seen["whole"] = len(pictures(client.models.generate_content(model=MODEL, contents="a fox")))
chunks = list(client.models.generate_content_stream(model=MODEL, contents="a fox"))
seen["streamed"] = sum(len(pictures(chunk)) for chunk in chunks)
seen["finish"] = chunks[-1].candidates[0].finish_reason.name

chat = client.chats.create(model=MODEL)
first = chat.send_message("a fox")
seen["signed"] = bool(pictures(first)[0].thought_signature)
seen["chat"] = len(pictures(chat.send_message("now blue")))

seen["models"] = [model.name for model in client.models.list(config={"page_size": 50})][:1]
seen["model"] = client.models.get(model=MODEL).name
seen["tokens"] = client.models.count_tokens(model=MODEL, contents="a fox").total_tokens

uploaded = client.files.upload(file=io.BytesIO(PIXEL), config={"mime_type": "image/png", "display_name": "pixel"})
seen["file"] = [uploaded.display_name, uploaded.state.name, client.files.get(name=uploaded.name).size_bytes]
edited = client.models.generate_content(model=MODEL, contents=[uploaded, "blue"])
seen["edited"] = len(pictures(edited))
client.files.delete(name=uploaded.name)

operation = client.models.generate_videos(model="veo-3.1-generate-preview", prompt="a fox")
for _ in range(200):
    if operation.done:
        break
    time.sleep(0.05)
    operation = client.operations.get(operation)
video = operation.response.generated_videos[0]
seen["video"] = client.files.download(file=video.video)[4:8].decode()

stranger = client_of("wrong")
try:
    list(stranger.models.list())
except errors.APIError as error:
    seen["wrong"] = [error.code, error.status]

print(json.dumps(seen))

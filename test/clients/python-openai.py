# Every call of OpenAI's Python client that the gateway promises; prints what came of each as one JSON object. Arguments: base URL, key, failing base URL, its key.
import base64, io, json, sys, traceback
import openai

base_url, key, failing_url, failing_key = sys.argv[1:5]
client = openai.OpenAI(base_url=base_url + "/v1", api_key=key, max_retries=0)
failing = openai.OpenAI(base_url=failing_url + "/v1", api_key=failing_key, max_retries=0)
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
MODEL = "gemini-nano-banana-2.1"
MESSAGES = [{"role": "user", "content": "a red fox"}]
results = {}


def check(act):
    try:
        results[act.__name__] = act()
    except Exception:
        results[act.__name__] = {"raised": traceback.format_exc()}


def picture(name="a.png"):
    return (name, io.BytesIO(PIXEL), "image/png")


@check
def wrong_key():
    try:
        openai.OpenAI(base_url=base_url + "/v1", api_key="wrong").models.list()
    except openai.AuthenticationError as error:
        return {"status": error.status_code, "code": error.code, "request_id": error.request_id}


@check
def models():
    return {"listed": len([model.id for model in client.models.list()]), "one": client.models.retrieve("google/gemini-3-pro-image").id}


@check
def chat():
    return client.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content


@check
def chat_stream():
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return {"text": text, "tokens": chunks[-1].usage.total_tokens}


@check
def failing_stream():
    try:
        list(failing.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))
    except openai.APIError as error:
        return {"raised": type(error).__name__, "code": error.code}


@check
def generate():
    answer = client.images.generate(model="gpt-image-1", prompt="a fox", n=2, size="1024x1536")
    return [base64.b64decode(item.b64_json)[1:4].decode("latin1") for item in answer.data]


@check
def edit_one():
    return len(client.images.edit(model=MODEL, prompt="blue", image=picture()).data)


@check
def edit_two():
    return len(client.images.edit(model=MODEL, prompt="blue", image=[picture("a.png"), picture("b.png")]).data)


@check
def generate_stream():
    return [event.type for event in client.images.generate(model=MODEL, prompt="a fox", stream=True, partial_images=2)]


@check
def create_and_poll():
    video = client.videos.create_and_poll(model="sora-2", prompt="a fox", seconds="4", size="720x1280", input_reference=picture())
    content = client.videos.download_content(video.id)
    return {"status": video.status, "seconds": video.seconds, "progress": video.progress, "error": video.error, "head": content.read()[4:8].decode("latin1")}


@check
def videos():
    ids = [client.videos.create(model="sora-2", prompt="a fox").id for _ in range(2)]
    listed = [video.id for video in client.videos.list(limit=1)]
    return {"paged": set(ids) <= set(listed), "deleted": client.videos.delete(ids[0]).deleted}


@check
def remix():
    video = client.videos.create_and_poll(model="sora-2", prompt="a fox")
    return client.videos.remix(video.id, prompt="bluer").remixed_from_video_id == video.id


@check
def responses():
    answer = client.responses.create(model="gpt-5", input="a fox", tools=[{"type": "image_generation"}])
    calls = [item for item in answer.output if item.type == "image_generation_call"]
    return {"status": answer.status, "head": base64.b64decode(calls[0].result)[1:4].decode("latin1")}


@check
def responses_stream():
    with client.responses.stream(model="gpt-5", input="a fox", tools=[{"type": "image_generation"}]) as stream:
        return stream.get_final_response().status


@check
def files():
    made = client.files.create(file=picture("fox.png"), purpose="vision")
    content = client.files.content(made.id).read()
    return {"name": made.filename, "same": content == PIXEL, "deleted": client.files.delete(made.id).deleted}


print(json.dumps(results))

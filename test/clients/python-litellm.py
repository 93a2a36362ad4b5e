# Calls of LiteLLM as a client, through its OpenAI and its Gemini providers; prints what came of each as one JSON object. Arguments: base URL, key.
import base64, io, json, os, re, sys, time, traceback

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm

base_url, key = sys.argv[1:3]
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
MODEL = "gemini-3-pro-image"
litellm.suppress_debug_info = True
results = {}
LINK = r"!\[[^\]]*\]\(http://\S+\)"
openai = {"model": f"openai/{MODEL}", "api_base": f"{base_url}/v1", "api_key": key, "num_retries": 0}
gemini = {"model": f"gemini/{MODEL}", "api_base": base_url, "api_key": key, "num_retries": 0}
FOX = [{"role": "user", "content": "a fox"}]


def check(act):
    try:
        results[act.__name__] = act()
    except Exception:
        results[act.__name__] = {"raised": traceback.format_exc()[-1500:]}


def is_png_or_jpeg(data):
    return base64.b64decode(data)[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0")


@check
def openai_chat():
    return re.search(LINK, litellm.completion(messages=FOX, **openai).choices[0].message.content) is not None


@check
def openai_stream():
    chunks = litellm.completion(messages=FOX, stream=True, **openai)
    return re.search(LINK, "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)) is not None


@check
def openai_edit_in_chat():
    url = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
    content = [{"type": "text", "text": "make it blue"}, {"type": "image_url", "image_url": {"url": url}}]
    return re.search(LINK, litellm.completion(messages=[{"role": "user", "content": content}], **openai).choices[0].message.content) is not None


@check
def openai_image():
    return is_png_or_jpeg(litellm.image_generation(prompt="a fox", **openai).data[0].b64_json)


@check
def openai_image_edit():
    image = io.BytesIO(PIXEL)
    image.name = "pixel.png"
    return is_png_or_jpeg(litellm.image_edit(image=image, prompt="make it blue", **openai).data[0].b64_json)


@check
def openai_video():
    options = {"custom_llm_provider": "openai", "api_base": f"{base_url}/v1", "api_key": key}
    video = litellm.video_generation(prompt="a fox", model="openai/sora-2", seconds="8", api_base=f"{base_url}/v1", api_key=key)
    deadline = time.time() + 15
    while time.time() < deadline:
        now = litellm.video_status(video_id=video.id, **options)
        if now.status in ("completed", "failed"):
            break
        time.sleep(0.1)
    return [now.status, litellm.video_content(video_id=video.id, **options)[4:8].decode()]


@check
def openai_file():
    options = {"custom_llm_provider": "openai", "api_base": f"{base_url}/v1", "api_key": key}
    file = litellm.create_file(file=("pixel.png", io.BytesIO(PIXEL), "image/png"), purpose="vision", **options)
    return [file.filename, litellm.file_retrieve(file_id=file.id, **options).id == file.id, litellm.file_delete(file_id=file.id, **options).deleted]


@check
def gemini_chat():
    message = litellm.completion(messages=FOX, **gemini).choices[0].message
    return [image["image_url"]["url"].startswith("data:image/") for image in message.images]


@check
def gemini_stream():
    chunks = litellm.completion(messages=FOX, stream=True, **gemini)
    return sum(len(getattr(chunk.choices[0].delta, "images", None) or []) for chunk in chunks if chunk.choices)


@check
def gemini_image():
    return is_png_or_jpeg(litellm.image_generation(prompt="a fox", **gemini).data[0].b64_json)


@check
def gemini_image_edit():
    image = io.BytesIO(PIXEL)
    image.name = "pixel.png"
    return is_png_or_jpeg(litellm.image_edit(image=image, prompt="make it blue", **gemini).data[0].b64_json)


@check
def gemini_video():
    options = {"custom_llm_provider": "gemini", "api_base": base_url, "api_key": key}
    video = litellm.video_generation(prompt="a fox", model="gemini/veo-3.1-generate-preview", seconds="8", api_base=base_url, api_key=key)
    deadline = time.time() + 15
    while time.time() < deadline:
        now = litellm.video_status(video_id=video.id, **options)
        if now.status in ("completed", "failed"):
            break
        time.sleep(0.1)
    return [now.status, litellm.video_content(video_id=video.id, **options)[4:8].decode()]


@check
def wrong_key():
    try:
        litellm.completion(messages=FOX, **{**openai, "api_key": "wrong"})
    except litellm.AuthenticationError as error:
        return error.status_code


@check
def unknown_model():
    try:
        litellm.completion(messages=FOX, **{**openai, "model": "openai/no-such-model"})
    except litellm.NotFoundError as error:
        return error.status_code


@check
def gemini_wrong_key():
    try:
        litellm.completion(messages=FOX, **{**gemini, "api_key": "wrong"})
    except Exception as error:
        return type(error).__name__


print(json.dumps(results))

# Calls of google-generativeai 0.8.5 over REST; prints what came of each as one JSON object. Arguments: base URL, key, base URL and key of a slow gateway.
import base64, json, sys, traceback
import google.generativeai as genai
from google.api_core import exceptions

base_url, key, slow_url, slow_key = sys.argv[1:5]
MODEL = "gemini-3-pro-image"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
results = {}


def model_of(url, api_key, name=MODEL):
    genai.configure(api_key=api_key, transport="rest", client_options={"api_endpoint": url})
    return genai.GenerativeModel(name)


def check(act):
    try:
        results[act.__name__] = act()
    except Exception:
        results[act.__name__] = {"raised": traceback.format_exc()}


def pictures(answer):
    return len([part for candidate in answer.candidates for part in candidate.content.parts if part.inline_data.data])


@check
def generate():
    return pictures(model_of(base_url, key).generate_content("a fox"))


@check
def stream():
    return sum(pictures(chunk) for chunk in model_of(base_url, key).generate_content("a fox", stream=True))


@check
def options():
    settings = {"HARASSMENT": "block_none", "HATE_SPEECH": "block_only_high"}
    return pictures(model_of(base_url, key).generate_content("a fox", safety_settings=settings, generation_config={"temperature": 0.5}))


@check
def silent_stream():
    return sum(pictures(chunk) for chunk in model_of(slow_url, slow_key).generate_content("a fox", stream=True))


@check
def edit():
    return pictures(model_of(base_url, key).generate_content(["make it blue", {"mime_type": "image/png", "data": PIXEL}]))


@check
def chat():
    chat = model_of(base_url, key).start_chat()
    return [pictures(chat.send_message("a fox")), pictures(chat.send_message("now blue"))]


@check
def models():
    model_of(base_url, key)
    return MODEL in [model.name.removeprefix("models/") for model in genai.list_models()]


@check
def video():
    answer = model_of(base_url, key, "gemini-omni-1.2-flash").generate_content("a fox")
    return answer.candidates[0].content.parts[0].file_data.file_uri.endswith(".mp4")


@check
def files():
    model_of(base_url, key)
    try:
        genai.get_file("files/nothing")
    except exceptions.Forbidden:
        return [file.name for file in genai.list_files()]


@check
def wrong_key():
    try:
        model_of(base_url, "wrong").generate_content("a fox")
    except exceptions.BadRequest as error:
        return [error.code, "API_KEY_INVALID" in str(error)]


@check
def unknown_model():
    try:
        model_of(base_url, key, "no-such-model").generate_content("a fox")
    except exceptions.NotFound as error:
        return error.code


print(json.dumps(results))

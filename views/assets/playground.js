// The playground beyond forms: images by drop, paste and file are sent at once; picking from the gallery; Ctrl+Enter; the time that passes.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const form = document.getElementById("playground");
const picker = document.getElementById("picker");
const changed = () => form.dispatchEvent(new Event("change", { bubbles: true }));
const countOf = (slot) => all(".reference", slot).length;

function say(slot, text) {
  slot.querySelector(".slot-trouble")?.remove();
  if (!text) return;
  const trouble = document.createElement("p");
  trouble.className = "slot-trouble wrong-text";
  trouble.setAttribute("role", "alert");
  trouble.textContent = text;
  slot.append(trouble);
}

/** Adds what the server drew; a place for one takes the newest. */
function place(slot, html) {
  const list = slot.querySelector(".references");
  const template = document.createElement("template");
  template.innerHTML = html;
  const max = Number(slot.dataset.max);
  for (const item of [...template.content.querySelectorAll(".reference")]) {
    if (countOf(slot) >= max) {
      if (max > 1) { say(slot, slot.dataset.full); break; }
      all(".reference", slot).forEach((old) => old.remove());
    }
    list.append(item);
  }
  changed();
}

async function ask(slot, url, options = {}) {
  slot.setAttribute("aria-busy", "true");
  say(slot, "");
  try {
    const answer = await fetch(url, { ...options, headers: { "hx-request": "true", ...options.headers } });
    if (answer.headers.has("hx-redirect")) { location.href = answer.headers.get("hx-redirect"); return; }
    const html = await answer.text();
    if (answer.ok) place(slot, html);
    else {
      const template = document.createElement("template");
      template.innerHTML = html;
      say(slot, template.content.querySelector("p")?.textContent ?? `${answer.status}`);
    }
  } catch (error) {
    say(slot, error.message);
  } finally {
    slot.removeAttribute("aria-busy");
  }
}

function upload(slot, files) {
  const body = new FormData();
  body.append("slot", slot.dataset.slot);
  for (const file of files) body.append("file", file);
  const token = form.elements.form_token.value;
  return ask(slot, "/admin/playground/inputs", { method: "POST", headers: { "x-csrf-token": token }, body });
}

/** The first place that takes such files: one with room goes first. */
function placeFor(files) {
  const isVideo = files[0].type.startsWith("video/");
  const fitting = all("[data-slot]", form).filter((slot) => (slot.dataset.slot === "video") === isVideo);
  return fitting.find((slot) => countOf(slot) < Number(slot.dataset.max)) ?? fitting[0];
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-upload]") && target.files.length > 0) {
    upload(target.closest("[data-slot]"), [...target.files]);
    target.value = "";
  } else if (target.matches("[data-reference]") && !target.checked) {
    target.closest(".reference").remove();
    changed();
  }
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  const slot = files.length > 0 && placeFor(files);
  if (!slot) return;
  event.preventDefault();
  upload(slot, files);
});

for (const type of ["dragover", "drop", "dragleave"])
  document.addEventListener(type, (event) => {
    const slot = event.target.closest?.("[data-slot]");
    all("[data-slot].over").forEach((one) => one.classList.toggle("over", one === slot && type === "dragover"));
    if (!event.dataTransfer?.types.includes("Files")) return;
    // A file that misses its place must not replace the page.
    event.preventDefault();
    if (!slot) return;
    slot.classList.toggle("over", type === "dragover");
    if (type === "drop" && event.dataTransfer.files.length > 0) upload(slot, [...event.dataTransfer.files]);
  });

document.addEventListener("click", async (event) => {
  const opens = event.target.closest?.("[data-picker]");
  if (opens) {
    event.preventDefault();
    const list = picker.querySelector("[data-picked]");
    list.textContent = "…";
    picker.showModal();
    try {
      const answer = await fetch(opens.dataset.picker, { headers: { "hx-request": "true" } });
      // The session is over.
      if (answer.headers.has("hx-redirect")) location.href = answer.headers.get("hx-redirect");
      else list.innerHTML = await answer.text();
    } catch (error) {
      list.textContent = error.message;
    }
    list.querySelector("button")?.focus();
  }
  const picked = event.target.closest?.("[data-pick]");
  if (picked) {
    picker.close();
    const { pick, to } = picked.dataset;
    const slot = document.querySelector(`[data-slot="${CSS.escape(to)}"]`);
    if (slot) ask(slot, `/admin/playground/reference?${new URLSearchParams({ slot: to, id: pick })}`);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form?.contains(event.target)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-run]"));
  }
});

// On a phone the result is out of sight.
document.addEventListener("htmx:after:swap", () => {
  const run = document.getElementById("run");
  if (run && run.dataset.seen !== run.textContent && run.getBoundingClientRect().top > innerHeight) run.scrollIntoView({ behavior: "smooth", block: "center" });
  if (run) run.dataset.seen = run.textContent;
});

setInterval(() => {
  for (const one of all("[data-elapsed]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Number(one.dataset.elapsed)) / 1000));
    one.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}, 500);

// Viewer of the gallery: arrow keys move through the wall, Escape and Back close it. Without it an item opens on its own page.
const viewer = document.getElementById("viewer");
const film = document.getElementById("viewer-film");
const shots = () => [...document.querySelectorAll(".shot")];
const shotOf = (id) => document.getElementById(`media-${id}`);
/** Neighbours on each side in the film strip. */
const BESIDE = 6;
let shown = null;

function show(shot) {
  shown = shot.querySelector("[data-view]").dataset.view;
  htmx.ajax("GET", `/admin/gallery/${shown}/view`, { target: "#viewer-media", swap: "innerHTML" });
  const all = shots();
  const at = all.indexOf(shot);
  film.replaceChildren(
    ...all.slice(Math.max(0, at - BESIDE), at + BESIDE + 1).map((one) => {
      const frame = document.createElement("a");
      frame.href = `#${one.querySelector("[data-view]").dataset.view}`;
      frame.className = [...one.classList].find((name) => /^a\d+$/.test(name));
      if (one === shot) frame.setAttribute("aria-current", "true");
      frame.append(one.querySelector(".thumb").cloneNode());
      return frame;
    }),
  );
  for (const [act, isThere] of [["previous", at > 0], ["next", at < all.length - 1 || more()]])
    viewer.querySelector(`[data-turn=${act}]`).disabled = !isThere;
  // A button that has just become useless would swallow the next key.
  if (!document.activeElement || document.activeElement.disabled || document.activeElement === document.body)
    viewer.querySelector("[data-turn=close]").focus();
  shot.scrollIntoView({ block: "nearest" });
}

const more = () => document.querySelector(".tiles-more");

function openAt(shot) {
  history.pushState({ viewer: true }, "", `#${shot.querySelector("[data-view]").dataset.view}`);
  if (!viewer.open) viewer.showModal();
  show(shot);
}

function goTo(shot) {
  if (!shot) return;
  history.replaceState({ viewer: true }, "", `#${shot.querySelector("[data-view]").dataset.view}`);
  show(shot);
}

function turn(act) {
  if (act === "close") return viewer.close();
  const all = shots();
  const at = all.indexOf(shotOf(shown));
  if (act === "next" && at === all.length - 1 && more()) {
    const rest = more();
    document.addEventListener("htmx:after:swap", () => rest.isConnected || goTo(shots()[at + 1]), { once: true });
    htmx.trigger(rest, "revealed");
  } else goTo(all[{ previous: at - 1, next: at + 1, first: 0, last: all.length - 1 }[act]]);
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const link = target.closest("[data-view]");
  const frame = target.closest("#viewer-film a");
  if (link) {
    event.preventDefault();
    openAt(link.closest(".shot"));
  } else if (frame) {
    event.preventDefault();
    goTo(shotOf(frame.hash.slice(1)));
  } else if (target.closest("[data-turn]")) turn(target.closest("[data-turn]").dataset.turn);
});

const KEYS = { ArrowLeft: "previous", ArrowRight: "next", Home: "first", End: "last" };
document.addEventListener("keydown", (event) => {
  if (!viewer.open || event.target.matches("video, input, textarea") || !KEYS[event.key]) return;
  event.preventDefault();
  turn(KEYS[event.key]);
});
viewer.addEventListener("close", () => {
  document.getElementById("viewer-media").replaceChildren();
  const shot = shotOf(shown);
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  shot?.querySelector("[data-view]").focus();
});
addEventListener("popstate", () => {
  if (!location.hash && viewer.open) viewer.close();
});
const first = location.hash && shotOf(location.hash.slice(1));
if (first) {
  history.replaceState(null, "", location.pathname + location.search);
  openAt(first);
}

// A button that takes an exact number of items.
const count = () => document.querySelectorAll("[data-select]:checked").length;
document.addEventListener("change", () => {
  for (const button of document.querySelectorAll("[data-exactly]")) button.disabled = count() !== Number(button.dataset.exactly);
});

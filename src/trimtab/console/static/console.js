// The few things that HTML and htmx do not do: the theme, the drawer, keys, and errors in JSON.
"use strict";

const $ = (selector) => document.querySelector(selector);

document.addEventListener("click", (event) => {
  const closes = event.target.closest("[data-closes]");
  if (closes?.dataset.closes === "drawer" || event.target.id === "drawer") $("#drawer").close();
  if (closes?.dataset.closes === "toast") closes.closest(".toast").remove();
  if (event.target.closest("#theme")) switchTheme();
});

// A sign-in link carries its token behind a #, which no server and no log sees; it is posted once, and gone.
const token = location.hash.match(/^#token=([\w-]+)$/)?.[1];
if (token && $("#sign-in")) {
  history.replaceState(null, "", location.pathname);
  $("#sign-in").elements.token.value = token;
  $("#sign-in").submit();
}

function switchTheme() {
  const now = document.documentElement.dataset.theme;
  const dark = now ? now === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const next = dark ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
}

// A quote opens in its place.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "drawer-body") return;
  const drawer = $("#drawer");
  if (!drawer.open) drawer.showModal();
  drawer.querySelector("mark")?.scrollIntoView({ block: "center" });
});

// Errors that pages do not render, such as a refused rate, come as JSON.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  if (!xhr.getResponseHeader("content-type")?.includes("json")) return;
  event.detail.shouldSwap = false;
  const { message, hint } = JSON.parse(xhr.responseText).error;
  toast(message, hint);
});
// What is typed outlives the refreshes of a live panel (hx-preserve), and is gone once it was sent.
document.addEventListener("htmx:beforeSwap", (event) => {
  const sent = event.detail.requestConfig?.elt;
  if (!(sent instanceof HTMLFormElement) || event.detail.xhr.status >= 300) return;
  // The panel may have been refreshed meanwhile, and its form replaced.
  const action = CSS.escape(sent.getAttribute("hx-post") ?? "");
  (document.querySelector(`form[hx-post="${action}"]`) ?? sent).reset();
});
document.addEventListener("htmx:sendError", () => toast("The service does not answer.", "Is it running?"));

function toast(message, hint) {
  const box = document.createElement("div");
  box.className = "toast";
  box.setAttribute("role", "alert");
  const text = box.appendChild(document.createElement("div"));
  text.appendChild(document.createElement("b")).textContent = message;
  if (hint) text.appendChild(document.createElement("small")).textContent = hint;
  const close = box.appendChild(document.createElement("button"));
  close.className = "button small";
  close.dataset.closes = "toast";
  close.textContent = "Close";
  $("#toasts").replaceChildren(box);
}

// An answer comes sentence by sentence; a new question stops the one before.
let asked = null;
document.addEventListener("submit", (event) => {
  if (!event.target.dataset.stream) return;
  event.preventDefault();
  asked?.abort();
  asked = new AbortController();
  ask(event.target, asked.signal);
});

async function ask(form, signal) {
  const text = document.createElement("div");
  text.className = "answer-text";
  const card = document.createElement("article");
  card.className = "card answer";
  card.append(text);
  form.classList.add("htmx-request");
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(form.dataset.stream, { method: "POST", body, signal });
    if (!response.ok) {
      const { message, hint } = (await response.json()).error;
      toast(message, hint);
      return;
    }
    for await (const [name, data] of events(response.body)) {
      if (name === "sentence") {
        text.append(`${data.text} `);
        if (!card.isConnected) $("#answer").replaceChildren(card);
      } else if (name === "answer") {
        $("#answer").innerHTML = data.html;
        htmx.process($("#answer"));
      } else {
        toast(data.message, data.hint);
      }
    }
  } catch (error) {
    if (error.name !== "AbortError") toast("The service does not answer.", "Is it running?");
  } finally {
    if (!signal.aborted) form.classList.remove("htmx-request");
  }
}

async function* events(stream) {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const blocks = (rest + decoder.decode(part.value, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const name = block.match(/^event: ?(.*?)\r?$/m)?.[1];
      const data = [...block.matchAll(/^data: ?(.*?)\r?$/gm)].map((line) => line[1]).join("\n");
      if (name) yield [name, JSON.parse(data)];
    }
  }
}

// g then the first letter of a page goes there; / goes to the question; Enter asks.
let leader = false;
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.target.id === "question" && event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    event.target.form.requestSubmit();
    return;
  }
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (leader) {
    leader = false;
    document.querySelector(`.side [data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    leader = true;
    setTimeout(() => { leader = false; }, 1500);
  } else if (event.key === "/" && $("#question")) {
    event.preventDefault();
    $("#question").focus();
  }
});

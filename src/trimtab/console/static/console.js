// The few things that HTML and htmx do not do: the theme, the drawer, keys, and errors in JSON.
"use strict";

const $ = (selector) => document.querySelector(selector);

document.addEventListener("click", (event) => {
  const closes = event.target.closest("[data-closes]");
  if (closes?.dataset.closes === "drawer" || event.target.id === "drawer") $("#drawer").close();
  if (closes?.dataset.closes === "toast") closes.closest(".toast").remove();
  if (event.target.closest("#theme")) switchTheme();
});

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

// g then o, a, i or r goes to a page; / goes to the question; Enter asks.
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

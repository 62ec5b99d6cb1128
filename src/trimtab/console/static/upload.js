// Uploads the files that are dropped on a project's page or chosen there, one after the other.
"use strict";

const form = $("#upload");
const queue = [];
const counts = { all: 0, done: 0, refused: 0 };
let running = false;

$("#files").addEventListener("change", (event) => {
  add([...event.target.files].map((file) => ({ file, name: file.name })));
  event.target.value = "";
});

// The whole page takes a drop, so that a near miss does not open the file instead of the page.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) form.classList.remove("over");
});
document.addEventListener("drop", async (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  form.classList.remove("over");
  // The list of a drop is emptied when its handler waits, so everything is taken from it first.
  const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  for (const { entry, file } of dropped) {
    try {
      if (entry?.isDirectory) add(await filesBelow(entry));
      else if (file) add([{ file, name: file.name }]);
    } catch (error) {
      toast(`${entry.name} cannot be read.`, error.message);
    }
  }
});

window.addEventListener("beforeunload", (event) => {
  if (running) event.preventDefault();
});

// A folder's files, named by their path below it; hidden ones are left out, as `trimtab ingest` does.
async function filesBelow(entry) {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const file = await new Promise((done, failed) => entry.file(done, failed));
    return [{ file, name: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const batch = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!batch.length) return found;
    for (const below of batch) found.push(...(await filesBelow(below)));
  }
}

function add(files) {
  for (const { file, name } of files) {
    const row = document.createElement("li");
    row.append(part("b", name), part("span", "waiting", "chip"), part("small", ""));
    const bar = row.appendChild(document.createElement("progress"));
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Upload of ${name}`);
    $("#uploads").append(row);
    queue.push({ file, name, row });
    counts.all += 1;
  }
  if (files.length) tell();
  if (!running) work();
}

function part(tag, text, style = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = style;
  return made;
}

async function work() {
  running = true;
  for (let next = queue.shift(); next; next = queue.shift()) {
    const outcome = await upload(next);
    show(next.row, ...outcome);
    next.row.querySelector("progress").remove();
    counts[outcome[1] === "refused" ? "refused" : "done"] += 1;
    tell();
  }
  running = false;
  htmx.ajax("GET", location.href, { target: "#documents", select: "#documents", swap: "outerHTML" });
}

function tell() {
  const { all, done, refused } = counts;
  const few = refused ? `, ${refused} refused` : "";
  $("#upload-state").textContent = `${done} of ${all} file${all === 1 ? "" : "s"} added${few}`;
}

function show(row, style, state, detail = "") {
  row.querySelector(".chip").className = `chip ${style}`;
  row.querySelector(".chip").textContent = state;
  row.querySelector("small").textContent = detail;
}

// Returns the style, the state and what there is to say about it.
async function upload({ file, name, row }) {
  const max = Number(form.dataset.max);
  if (file.size > max) {
    const size = (file.size / 1048576).toFixed(1);
    return refusal(`It has ${size} MB; the limit is ${max / 1048576} MB.`, "Split it, or raise the limit in the settings.");
  }
  for (;;) {
    const answer = await send(file, name, row);
    if (answer.status !== 429) return outcomeOf(answer);
    const seconds = Number(answer.getResponseHeader("Retry-After")) || 5;
    show(row, "state-pending", "waiting", `The service takes more in ${seconds} s.`);
    await new Promise((done) => { setTimeout(done, seconds * 1000); });
  }
}

function send(file, name, row) {
  const body = new FormData(form);
  body.delete("file");
  body.append("file", file, name);
  const request = new XMLHttpRequest();
  const bar = row.querySelector("progress");
  show(row, "state-verifying", "sending");
  request.upload.addEventListener("progress", (event) => { bar.value = event.loaded / event.total; });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    show(row, "state-verifying", "reading");
  });
  return new Promise((done) => {
    request.addEventListener("loadend", () => done(request));
    request.open("POST", form.action);
    request.send(body);
  });
}

function outcomeOf(answer) {
  if (!answer.status) return refusal("The service does not answer, or the file changed meanwhile.", "Is it running?");
  let told;
  try {
    told = JSON.parse(answer.responseText);
  } catch {
    return refusal(`The service answered ${answer.status}.`, "Its log says why.");
  }
  if (told.error) return refusal(told.error.message, told.error.hint);
  const passages = `${told.chunks} passage${told.chunks === 1 ? "" : "s"}`;
  if (told.status === "unchanged") return ["", "unchanged", `${passages}, as before`];
  if (told.status === "queued") {
    return ["state-pending", "waiting", `${passages}: found by words now, by meaning when the embedding model is back`];
  }
  return ["state-ok", "added", passages];
}

function refusal(message, hint) {
  return ["state-firing", "refused", hint ? `${message} ${hint}` : message];
}

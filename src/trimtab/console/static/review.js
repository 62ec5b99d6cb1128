// Keys of the review page: a verdict, the next item, skipping and storing without the mouse.
"use strict";

document.addEventListener("keydown", (event) => {
  const form = document.querySelector("#judge");
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && form) return form.requestSubmit();
  const writing = event.target.closest("textarea, select, input:not([type=radio])");
  if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "n" && !form) document.querySelector("#next")?.requestSubmit();
  if (event.key === "s") document.querySelector("#skip")?.requestSubmit();
  const choice = document.querySelector(`[data-review-key="${CSS.escape(event.key)}"]`);
  if (!choice) return;
  choice.checked = true;
  choice.focus();
  if (choice.value !== "good") document.querySelector("#failure").focus();
});

// Small behaviours that HTML and htmx do not have. Pages declare them by attributes.

// <input type="range" data-output="id">: the element with this id shows the slider's value while it moves.
document.addEventListener("input", (event) => {
  const output = document.getElementById(event.target.dataset?.output ?? "");
  if (output) output.textContent = event.target.value + (event.target.dataset.unit ?? "");
});

// <button data-insert="text">: writes the text into the field of its form in which the person wrote last, or the first one.
let written = null;
document.addEventListener("focusin", (event) => {
  if (event.target.matches("textarea, [name^=subject_]")) written = event.target;
});
document.addEventListener("click", (event) => {
  const text = event.target.dataset?.insert;
  if (!text) return;
  const field = written ?? event.target.form.querySelector("textarea");
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.focus();
});

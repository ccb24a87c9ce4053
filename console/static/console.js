// Small behaviours that HTML and htmx do not have. Pages declare them by attributes.

// <input type="range" data-output="id">: the element with this id shows the slider's value while it moves.
document.addEventListener("input", (event) => {
  const output = document.getElementById(event.target.dataset?.output ?? "");
  if (output) output.textContent = event.target.value + (event.target.dataset.unit ?? "");
});

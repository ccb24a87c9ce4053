// What Great Expectations' pages do, without jQuery: fold a section, show all checks or the failed ones.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[data-toggle="collapse"]');
  if (!link) return;
  event.preventDefault();
  const body = document.getElementById(link.getAttribute("href").slice(1));
  link.setAttribute("aria-expanded", body.classList.toggle("show"));
});

function show(visible) {
  const display = visible ? "" : "none";
  for (const child of document.querySelectorAll(".hide-succeeded-validation-target-child")) {
    child.parentElement.style.display = display;
  }
  for (const row of document.querySelectorAll(".hide-succeeded-validation-target")) row.style.display = display;
  for (const child of document.querySelectorAll(".hide-succeeded-validations-column-section-target-child")) {
    const section = child.parentElement.parentElement;
    section.style.display = display;
    for (const link of document.querySelectorAll(`a[href$="${section.id}"]`)) link.style.display = display;
  }
}

// The pages call these by name; their own versions need jQuery.
window.showAllValidations = () => show(true);
window.hideSucceededValidations = () => show(false);
for (const label of document.querySelectorAll(".btn-group-toggle .btn")) {
  label.addEventListener("click", () => {
    for (const other of label.parentElement.children) other.classList.toggle("active", other === label);
  });
}

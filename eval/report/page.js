"use strict";
for (const slider of document.querySelectorAll(".slider")) {
  const range = slider.querySelector("input"), output = slider.querySelector("output");
  const button = slider.querySelector("button"), frames = [...slider.querySelectorAll(".frame")];
  const show = (n) => {
    frames.forEach((frame, i) => { frame.hidden = i !== n; });
    range.value = n;
    output.textContent = frames[n].dataset.label;
    range.setAttribute("aria-valuetext", frames[n].dataset.label);
  };
  let timer = null;
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "▶"; button.ariaLabel = "play"; };
  range.addEventListener("input", () => { stop(); show(Number(range.value)); });
  button.addEventListener("click", () => {
    if (timer !== null) { stop(); return; }
    timer = setInterval(() => show((Number(range.value) + 1) % frames.length), 800);
    button.textContent = "❚❚";
    button.ariaLabel = "stop";
  });
  show(0);
}

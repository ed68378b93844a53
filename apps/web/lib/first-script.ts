/**
 * What runs in a page before anything else: a part of its HTML. It keeps a click on a button that the page cannot act on yet,
 * and fetches the code of a page that rests (server/resting.ts) when somebody is there.
 */
import type { Early } from "./early";

/** It runs as text, and must need nothing that stands outside of it. */
function first(): void {
  // What somebody does first who is about to use a page; who only reads has begun to after a while.
  const signs = ["pointermove", "pointerdown", "keydown", "focusin"];
  const restMs = 5000;
  let begun = false;
  const begin = () => {
    if (begun || document.readyState === "loading") return;
    begun = true;
    for (const sign of signs) window.removeEventListener(sign, begin, true);
    for (const later of document.querySelectorAll<HTMLScriptElement>("script[data-later]")) {
      const script = document.createElement("script");
      script.nonce = later.nonce ?? "";
      script.async = true;
      if (later.dataset.later) script.src = later.dataset.later;
      else script.textContent = later.textContent;
      document.head.append(script);
    }
  };
  // React would try to act on it while it still goes through the page, and lose it.
  const keep: Early = (event) => {
    const button = event.target instanceof Element && event.target.closest<HTMLElement>("button[type=button]");
    if (!button) return;
    event.stopImmediatePropagation();
    keep.clicked = button;
    begin();
  };
  window.crlabEarly = keep;
  window.addEventListener("click", keep, true);
  for (const sign of signs) window.addEventListener(sign, begin, { capture: true, passive: true });
  document.addEventListener("DOMContentLoaded", () => {
    if (keep.clicked) begin();
  });
  window.addEventListener("load", () => setTimeout(begin, restMs));
}

export const firstScript = `(${first.toString()})()`;

/** Tells when the page's colours have become others, by its own switch or by the system's; what is drawn by hand is drawn anew. */
export function onThemeChange(listener: () => void): () => void {
  const switched = new MutationObserver(listener);
  switched.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", listener);
  return () => {
    switched.disconnect();
    dark.removeEventListener("change", listener);
  };
}

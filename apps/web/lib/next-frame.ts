/** Calls when the page draws next; a page that nobody sees draws nothing, and its work goes on. */
export function nextFrame(work: () => void): void {
  if (typeof document === "undefined" || document.hidden) setTimeout(work, 0);
  else requestAnimationFrame(work);
}

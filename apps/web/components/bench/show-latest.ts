/** Keeps the step that runs in sight. */

const stepIn = (box: HTMLElement, stepNo: number) => box.querySelector(`[data-testid="step-${stepNo}"]`);

/** How much of a step is below what is in sight. */
export const hiddenBelow = (box: HTMLElement, stepNo: number): number =>
  (stepIn(box, stepNo)?.getBoundingClientRect().bottom ?? 0) - box.getBoundingClientRect().bottom;

/** Brings a step into sight, and the one after it if there is room for both. */
export function showLatest(box: HTMLElement, stepNo: number): void {
  const latest = stepIn(box, stepNo);
  if (!latest) return;
  const zone = box.getBoundingClientRect();
  const next = latest.nextElementSibling ?? latest;
  const hidden = next.getBoundingClientRect().bottom - zone.bottom;
  const room = latest.getBoundingClientRect().top - zone.top;
  if (hidden > 0) box.scrollTop += Math.min(hidden, room);
}

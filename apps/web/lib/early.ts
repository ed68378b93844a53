/** A click on a button before the page could act on it, as the page's first script has kept it. */
export interface Early {
  (event: MouseEvent): void;
  clicked?: HTMLElement;
}

declare global {
  interface Window {
    crlabEarly?: Early;
  }
}

/** The page can act: what was clicked before is clicked again. */
export function clickEarly(): void {
  const early = window.crlabEarly;
  if (early === undefined) return;
  window.removeEventListener("click", early, true);
  delete window.crlabEarly;
  if (early.clicked?.isConnected) early.clicked.click();
}

/** xterm colours cells by style attributes, which our policy does not allow; what a script sets by name, it does. */
export function withoutStyleAttributes(): void {
  if (Object.hasOwn(HTMLSpanElement.prototype, "setAttribute")) return;
  HTMLSpanElement.prototype.setAttribute = function (this: HTMLSpanElement, name: string, value: string) {
    if (name === "style") this.style.cssText = value;
    else Element.prototype.setAttribute.call(this, name, value);
  };
}

/** xterm makes style elements of its own; under our policy they need the page's nonce. */
export function withStyleNonce<T>(work: () => T): T {
  const nonce = document.querySelector<HTMLScriptElement>("script[nonce]")?.nonce;
  if (!nonce) return work();
  const create = document.createElement.bind(document);
  Object.defineProperty(document, "createElement", {
    configurable: true,
    value: (name: string, options?: ElementCreationOptions) => {
      const element = create(name, options);
      if (element instanceof HTMLStyleElement) element.nonce = nonce;
      return element;
    },
  });
  try {
    return work();
  } finally {
    Reflect.deleteProperty(document, "createElement");
  }
}

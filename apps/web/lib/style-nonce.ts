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

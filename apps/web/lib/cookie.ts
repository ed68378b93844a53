/** Remembers a choice of the page's look for a year; never anything that grants something. */
export function rememberChoice(name: string, value: string): void {
  // biome-ignore lint/suspicious/noDocumentCookie: cookieStore is absent in Firefox and Safari before 2025
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax`;
}

export function readCookie(name: string): string | undefined {
  const pair = document.cookie.split("; ").find((p) => p.startsWith(`${name}=`));
  return pair && decodeURIComponent(pair.slice(name.length + 1));
}

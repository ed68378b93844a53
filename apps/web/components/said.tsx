/** What the lab says, with what one types or reads in a file, which stands between backquotes, in its own face. */
export function Said({ text }: { text: string }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place
  return text.split("`").map((part, i) => (i % 2 === 0 ? part : <code key={i}>{part}</code>));
}

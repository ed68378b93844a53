/** The colour theme: the system's, unless the visitor chose one. */
export const THEME_COOKIE = "crlab_theme";
export type Theme = "light" | "dark";

export function readTheme(value: string | undefined): Theme | undefined {
  return value === "light" || value === "dark" ? value : undefined;
}

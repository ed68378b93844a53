"use client";
import { rememberChoice } from "../lib/cookie";
import { readTheme, THEME_COOKIE } from "../lib/theme";

/** Switches between light and dark and remembers it. */
export function ThemeToggle() {
  const toggle = () => {
    const root = document.documentElement;
    const dark =
      (readTheme(root.dataset.theme) ??
        (window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    root.dataset.theme = dark ? "light" : "dark";
    rememberChoice(THEME_COOKIE, root.dataset.theme);
  };
  return (
    <button
      type="button"
      className="btn quiet"
      onClick={toggle}
      aria-label="Switch between light and dark"
      title="Theme"
    >
      <svg width="15" height="15" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" strokeWidth="1.5" />
        <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" />
      </svg>
    </button>
  );
}

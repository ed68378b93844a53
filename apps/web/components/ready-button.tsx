"use client";
import type { ComponentProps } from "react";
import { useHydrated } from "../lib/hydrated";

/** Says that it does nothing yet until the page can act; then only the button is drawn anew. */
export const ReadyButton = (props: ComponentProps<"button">) => (
  <button type="button" disabled={!useHydrated()} {...props} />
);

/** What of the console is measured, part by part. */
export const consoleParts = ["shell", "echo", "crowd", "flood", "load", "audit", "map", "many"] as const;
export type ConsolePart = (typeof consoleParts)[number];

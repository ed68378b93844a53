export const packages: Readonly<Record<"build" | "unprivileged" | "guests" | "test" | "lint", readonly string[]>>;
/** The packages of the groups that are not installed. */
export function missingPackages(groups: readonly (keyof typeof packages)[]): string[];

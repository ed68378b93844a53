/** What an address asks for, as pages are given it. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

/** A parameter that is there once. */
export const one = (value: string | string[] | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

/** Which page of a list; the first where it says nothing that can be. */
export const pageOf = ({ page }: Query): number => (/^[1-9]\d{0,5}$/.test(one(page) ?? "") ? Number(page) : 1);

import NextLink from "next/link";
import type { ComponentProps } from "react";

/** To another page, which is fetched when one goes there: a list has many of them, and each would be drawn for nobody. */
export const Link = (props: ComponentProps<typeof NextLink>) => <NextLink prefetch={false} {...props} />;

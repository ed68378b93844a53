/** What a page tells those who show links: its picture stands at `/preview` below it. */
import type { Metadata } from "next";
import { headers } from "next/headers";

export async function linkMetadata(path: string, title: string, description: string): Promise<Metadata> {
  const host = (await headers()).get("host");
  return {
    title,
    description,
    ...(host === null ? {} : { metadataBase: new URL(`http://${host}`) }),
    openGraph: { title, description, images: [{ url: `${path}/preview`, width: 1200, height: 630 }] },
  };
}

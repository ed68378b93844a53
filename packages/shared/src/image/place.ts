/** Places in an image. Apart from the schemas: a page that only looks need not load those. */
import type { ImageDigest } from "./digest.js";

export const RECORD_HEAD_BYTES = 16;
/** So many bytes of an image are looked at at once: all of every record that does not grow with what it is about. */
export const MAX_IMAGE_BYTES = 4096;

/** The record in which an offset lies. */
export const recordAt = (digest: ImageDigest, offset: number): ImageDigest["records"][number] | undefined =>
  digest.records.findLast((r) => r.offset <= offset);

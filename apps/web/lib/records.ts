/** Which of an image's records are shown: by kind, by words, and mappings by what they are and may. */
import type { DigestMapping, ImageDigest } from "@crlab/shared";
import { hexOffset } from "./hex";

export interface RecordFilter {
  type: string;
  words: string;
  /** `file`, `heap`, …; with any of these two, only mappings are shown. Empty: whatever they are. */
  mapping: string;
  /** `rw-`, `r-x`, … */
  access: string;
}

export type ShownRecord = ImageDigest["records"][number] & { access: string | null };

const whatItIs = (m: DigestMapping): string => (m.kind === "file" ? "file" : m.name);

const mappingsOf = (digest: ImageDigest): DigestMapping[] => digest.spaces.flatMap((space) => space.mappings);

/** What one may choose from. */
export function mappingChoices(digest: ImageDigest): { mappings: string[]; accesses: string[] } {
  const all = mappingsOf(digest);
  const sorted = (values: string[]) => [...new Set(values)].sort();
  return { mappings: sorted(all.map(whatItIs)), accesses: sorted(all.map((m) => m.access)) };
}

export function shownRecords(digest: ImageDigest, { type, words, mapping, access }: RecordFilter): ShownRecord[] {
  const byOffset = new Map(mappingsOf(digest).map((m) => [m.offset, m]));
  const sought = words.trim().toLowerCase();
  return digest.records.flatMap((record) => {
    const m = byOffset.get(record.offset);
    const says = `${record.type} #${record.objref} ${hexOffset(record.offset)} ${m?.access ?? ""} ${record.text}`;
    if (type !== "" && record.type !== type) return [];
    if (mapping !== "" && (m === undefined || whatItIs(m) !== mapping)) return [];
    if (access !== "" && m?.access !== access) return [];
    if (sought !== "" && !says.toLowerCase().includes(sought)) return [];
    return [{ ...record, access: m?.access ?? null }];
  });
}

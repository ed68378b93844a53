/**
 * Reads a checkpoint image and gives what `ckptinfo --json` gives. An image is hostile input: every length is checked
 * before it is used, and the first thing that is wrong is told with its place; what stands before it is still given.
 */
import { crc32c } from "./crc32c.js";
import { Cursor } from "./cursor.js";
import { HEADER, type ImageRecord, PAGES, type RecordType, recordTypes, TASKS, TRAILER } from "./records.js";

export interface ImageProblem {
  text: string;
  /** Byte in the image. */
  offset: number;
}

export interface ImageListing {
  records: ImageRecord[];
  /** It ends in a trailer that agrees with what stands before it. */
  complete: boolean;
  problem: ImageProblem | null;
  totals: { bytes: number; records: number; pages: number; zeroPages: number; parentPages: number };
}

const magic = 0x31474d4954504b43n; // "CKPTIMG1"
export const formatVersion = 5;
const pageBytes = 4096;
const recordHeadBytes = 16;
const maxBodyBytes = 64 * 2 ** 20;

class Wrong extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** What is known so far; `readImage` gives it out when the end or a fault is reached. */
class Reader {
  readonly records: ImageRecord[] = [];
  readonly pages = { data: 0, zero: 0, parent: 0 };
  offset = 0;
  complete = false;
  #crc = 0xffffffff;

  constructor(readonly image: Uint8Array) {}

  next(): void {
    const start = this.offset;
    if (start === this.image.length) throw new Wrong(start ? "truncated: no trailer at its end" : "empty", start);
    const head = new Cursor(this.#take(recordHeadBytes));
    const [type, objref, len] = [head.u32(), head.u32(), head.number()];
    const kind = this.#checkedKind(type, len, start);
    if (type !== TRAILER) this.#crc = crc32c(this.#crc, head.bytes);
    const body = type === PAGES ? this.#pagesBody(len, start) : this.#body(kind, len, start);
    if (type !== TRAILER && type !== PAGES) this.#crc = crc32c(this.#crc, body);
    if (kind.strings) checkStrings(kind, body, start);
    const record = { offset: start, type: kind.name, objref, len, ...kind.decode(new Cursor(body)) };
    if (type === HEADER) checkHeader(body, start);
    if (type === TASKS && len / 32 !== this.records[0]?.nrTasks) throw new Wrong("TASKS and header disagree", start);
    this.records.push(record);
    if (type === TRAILER) this.#checkTrailer(objref, body, start);
  }

  #take(length: number): Uint8Array {
    if (length > this.image.length - this.offset) {
      this.offset = this.image.length;
      throw new Wrong("truncated: ends inside the image", this.offset);
    }
    this.offset += length;
    return this.image.subarray(this.offset - length, this.offset);
  }

  #checkedKind(type: number, len: number, start: number): RecordType {
    const kind = recordTypes.get(type);
    if (this.records.length === 0 && type !== HEADER) throw new Wrong("not a checkpoint image", start);
    if (!kind) throw new Wrong(`record of unknown type ${type}`, start);
    if (this.records.length > 0 && type === HEADER) throw new Wrong("a second HEADER", start);
    if ((this.records.length === 1) !== (type === TASKS))
      throw new Wrong(`${kind.name} stands in the wrong place`, start);
    const tail = len - kind.fixed;
    if (tail < 0 || (kind.element ? tail % kind.element : tail) !== 0)
      throw new Wrong(`${kind.name} cannot be ${len} bytes long`, start);
    return kind;
  }

  #body(kind: RecordType, len: number, start: number): Uint8Array {
    if (len > maxBodyBytes) throw new Wrong(`${kind.name} is ${len} bytes long: more than any image`, start);
    return this.#take(len);
  }

  /** The structure and its extents; pad and payload are passed over. */
  #pagesBody(len: number, start: number): Uint8Array {
    const at = this.offset;
    const fixed = new Cursor(this.#take(16));
    const [nrExtents, nrPages, pad] = [fixed.u32(), fixed.u32(), fixed.u32()];
    const extentBytes = nrExtents * 16;
    if (16 + extentBytes > maxBodyBytes) throw new Wrong(`PAGES has ${nrExtents} extents: more than any image`, start);
    const wantPad = nrPages === 0 ? 0 : (pageBytes - ((at + 16 + extentBytes) % pageBytes)) % pageBytes;
    if (pad !== wantPad) throw new Wrong(`PAGES says its pad is ${pad} bytes`, start);
    if (len !== 16 + extentBytes + pad + nrPages * pageBytes) throw new Wrong("PAGES and its parts disagree", start);
    const extents = new Cursor(this.#take(extentBytes));
    this.#crc = crc32c(this.#crc, this.image.subarray(at, at + 16 + extentBytes));
    this.#crc = crc32c(this.#crc, this.#take(pad));
    this.#countExtents(extents, nrExtents, nrPages, start);
    this.#take(nrPages * pageBytes);
    return this.image.subarray(at, at + 16 + extentBytes);
  }

  #countExtents(cursor: Cursor, nrExtents: number, nrPages: number, start: number): void {
    let payload = 0;
    for (let i = 0; i < nrExtents; i++) {
      const [addr, nr, kind] = [cursor.u64(), cursor.u32(), cursor.u32()];
      const end = addr + BigInt(nr) * BigInt(pageBytes);
      if (kind < 1 || kind > 3) throw new Wrong(`extent ${i} of PAGES is of unknown kind ${kind}`, start);
      if (addr % BigInt(pageBytes) !== 0n || nr === 0 || end >= 2n ** 64n)
        throw new Wrong(`extent ${i} of PAGES is no range of pages`, start);
      if (kind === 1) payload += nr;
      else if (kind === 2) this.pages.zero += nr;
      else this.pages.parent += nr;
    }
    if (payload !== nrPages)
      throw new Wrong(`PAGES has payload for ${nrPages} pages, its extents say ${payload}`, start);
    this.pages.data += payload;
  }

  #checkTrailer(objref: number, body: Uint8Array, start: number): void {
    // Its own head is in no checksum.
    if (objref !== 0) throw new Wrong(`the trailer is of object ${objref}`, start);
    const cursor = new Cursor(body);
    const [bytes, pages, crc, nrRecords] = [cursor.number(), cursor.number(), cursor.u32(), cursor.u32()];
    if (bytes !== this.offset) throw new Wrong(`trailer says ${bytes} bytes, the image has ${this.offset}`, start);
    if (pages !== this.pages.data)
      throw new Wrong(`trailer says ${pages} pages, the image has ${this.pages.data}`, start);
    if (nrRecords !== this.records.length)
      throw new Wrong(`trailer says ${nrRecords} records, the image has ${this.records.length}`, start);
    if (crc !== this.#crc) throw new Wrong("the checksum does not agree with the trailer's", start);
    if (this.offset !== this.image.length) throw new Wrong("bytes stand after the trailer", this.offset);
    this.complete = true;
  }
}

function checkHeader(body: Uint8Array, start: number): void {
  const cursor = new Cursor(body);
  if (cursor.u64() !== magic) throw new Wrong("not a checkpoint image", start);
  const [version, arch, pageSize] = [cursor.u32(), cursor.u32(), cursor.u32()];
  if (version !== formatVersion)
    throw new Wrong(`format version ${version}; this reader knows ${formatVersion}`, start);
  if (arch !== 1) throw new Wrong(`architecture ${arch}; this reader knows x86-64 (1)`, start);
  if (pageSize !== pageBytes) throw new Wrong(`page size ${pageSize}; x86-64 has ${pageBytes}`, start);
}

function checkStrings(kind: RecordType, body: Uint8Array, start: number): void {
  const tail = body.subarray(kind.fixed);
  const found = tail.reduce((n, byte) => n + (byte === 0 ? 1 : 0), 0);
  if (found !== kind.strings || tail[tail.length - 1] !== 0)
    throw new Wrong(`${kind.name} must end in ${kind.strings} NUL-terminated strings`, start);
}

/** Lists a whole image. Never throws over what is in it: `problem` tells. */
export function readImage(image: Uint8Array): ImageListing {
  const reader = new Reader(image);
  let problem: ImageProblem | null = null;
  try {
    while (!reader.complete) reader.next();
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    problem = { text: error.message, offset: error.offset };
  }
  return {
    records: reader.records,
    complete: reader.complete,
    problem,
    totals: {
      bytes: reader.offset,
      records: reader.records.length,
      pages: reader.pages.data,
      zeroPages: reader.pages.zero,
      parentPages: reader.pages.parent,
    },
  };
}

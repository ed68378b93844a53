/** Reads little-endian fields one after the other. Numbers above 2^53 lose precision: take those as hex or digits. */
export class Cursor {
  #at = 0;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.byteLength - this.#at;
  }

  u8(): number {
    return this.take(1)[0] ?? 0;
  }

  u32(): number {
    return this.#view.getUint32(this.#step(4), true);
  }

  s32(): number {
    return this.#view.getInt32(this.#step(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#step(8), true);
  }

  number(): number {
    return Number(this.u64());
  }

  /** A time or another quantity that does not fit a double. */
  digits(): string {
    return this.u64().toString();
  }

  signedDigits(): string {
    return this.#view.getBigInt64(this.#step(8), true).toString();
  }

  /** An address or a mask. */
  hex(): string {
    return `0x${this.u64().toString(16)}`;
  }

  hex32(): string {
    return `0x${this.u32().toString(16)}`;
  }

  take(length: number): Uint8Array {
    const at = this.#step(length);
    return this.bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#step(length);
  }

  /** Text in a field of fixed length. */
  text(length: number): string {
    const field = this.take(length);
    const end = field.indexOf(0);
    return decoder.decode(end < 0 ? field : field.subarray(0, end));
  }

  /** A NUL-terminated string of a record's tail. */
  string(): string {
    const end = this.bytes.indexOf(0, this.#at);
    const text = decoder.decode(this.take(end - this.#at));
    this.skip(1);
    return text;
  }

  #step(length: number): number {
    const at = this.#at;
    if (length < 0 || at + length > this.bytes.byteLength) throw new RangeError("the record ends before its fields");
    this.#at = at + length;
    return at;
  }
}

// A byte order mark in a path is part of the path.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export const bytesToHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

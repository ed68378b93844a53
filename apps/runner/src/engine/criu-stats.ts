/** Reads the statistics that CRIU leaves beside its images: a protobuf message behind two magic numbers. */

export interface DumpStatistics {
  /** How long the tree stood still, in microseconds. */
  frozenUs: number;
  pagesWritten: number;
  /** As they are in the image that this one is an increment over. */
  pagesInParent: number;
}

const PREFIX_BYTES = 12; // two magic numbers, length of the message
const DUMP = 1;
const dumpFields = { frozen: 2, pagesSkippedParent: 6, pagesWritten: 7 };

export function dumpStatistics(file: Buffer): DumpStatistics {
  const number = numbers(file);
  return {
    frozenUs: number(dumpFields.frozen),
    pagesWritten: number(dumpFields.pagesWritten),
    pagesInParent: number(dumpFields.pagesSkippedParent),
  };
}

/** By field; throws if the file is not what CRIU writes. */
function numbers(file: Buffer): (field: number) => number {
  const length = file.length >= PREFIX_BYTES ? file.readUInt32LE(PREFIX_BYTES - 4) : 0;
  const message = fields(file.subarray(PREFIX_BYTES, PREFIX_BYTES + length)).get(DUMP);
  if (!Buffer.isBuffer(message)) throw new Error("these are no statistics of a dump");
  const found = fields(message);
  return (field) => {
    const value = found.get(field);
    return typeof value === "number" ? value : 0;
  };
}

/** Of a protobuf message: numbers and byte strings by field number. */
function fields(message: Buffer): Map<number, number | Buffer> {
  const found = new Map<number, number | Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new Error("a protobuf message ends too early");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    if (key % 8 === 0) {
      found.set(field, varint());
    } else if (key % 8 === 2) {
      const length = varint();
      found.set(field, message.subarray(at, at + length));
      at += length;
    } else {
      throw new Error(`a protobuf field of wire type ${key % 8} has no place in CRIU's statistics`);
    }
  }
  return found;
}

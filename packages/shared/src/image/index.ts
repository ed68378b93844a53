export { decodeRecord } from "./decode.js";
export { formatVersion, type ImageListing, type ImageProblem, readImage } from "./reader.js";
export { type Fields, type ImageRecord, type RecordType, recordTypes, type Value } from "./records.js";

export { type ImageListing, type ImageProblem, readImage } from "./reader.js";
export { type ImageRecord, type RecordType, recordTypes } from "./records.js";

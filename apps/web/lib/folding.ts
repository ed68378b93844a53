/** How a log becomes a view: loaded when there are more events than the page came with, or a moment of the past is looked at. */
export { fold, foldAll } from "@crlab/shared";

/** How events are added to a view: loaded when there are more than the page came with. */
export { fold } from "@crlab/shared";

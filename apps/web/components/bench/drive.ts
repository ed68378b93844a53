/** What only a driver's page needs, and the card of keys: loaded when it is needed. */
export { actions } from "@crlab/shared";
export { ActionBar } from "./action-bar";
export { ActionDialog, type Asking, asks, HelpDialog } from "./action-dialog";

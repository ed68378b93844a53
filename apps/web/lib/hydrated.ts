import { useSyncExternalStore } from "react";

const never = () => () => {};

/** False until the page can act on clicks: a button that does nothing yet should say so. */
export const useHydrated = (): boolean =>
  useSyncExternalStore(
    never,
    () => true,
    () => false,
  );

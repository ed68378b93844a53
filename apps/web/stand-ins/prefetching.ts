/** No link of ours asks for a page before somebody goes there (components/link.tsx): nothing is to be put in order. */
import { cleanup } from "next/dist/client/components/segment-cache/lru";

const nothing = () => null;

export const prefetch = nothing;
export const prefetchRoute = nothing;

export const schedulePrefetchTask = nothing;
export const reschedulePrefetchTask = nothing;
export const cancelPrefetchTask = nothing;
export const pingPrefetchTask = nothing;
export const startRevalidationCooldown = nothing;
export const isPrefetchTaskDirty = () => false;
export const needsSpeculativePrefetch = () => false;
/** What was fetched for pages that were visited is kept up to a limit, and the scheduler sees to that. */
export const pingPrefetchScheduler = () => queueMicrotask(cleanup);

/** What a page's address says of others like it: without prefetches, each is asked for when somebody goes there. */
const nothing = () => null;

export const discoverKnownRoute = nothing;
export const matchKnownRoute = nothing;
export const resetKnownRoutes = nothing;

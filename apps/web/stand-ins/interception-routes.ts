/** No page of ours is shown in another one's place. */
export const INTERCEPTION_ROUTE_MARKERS: readonly string[] = [];
export const isInterceptionRouteAppPath = () => false;
export const extractInterceptionRouteInformation = () => null;
export const findMissingCanonicalInterceptionRoutes = () => [];

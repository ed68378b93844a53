/** Of all the constants of Next.js's server, the one that it uses in a browser. */
export const NEXT_NAV_DEPLOYMENT_ID_HEADER = "x-nextjs-deployment-id";

/**
 * Runs before any other module of a page: zod would try to compile its schemas by eval, which our policy refuses. It looks
 * for this name when it is loaded, which most pages never do; its `config` would bring a part of it along to all.
 */
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });

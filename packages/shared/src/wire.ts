/** What both ends of the WebSocket must know, apart from the schemas: a page that only looks need not load those. */

export const PROTOCOL_VERSION = 1;
export const MAX_MESSAGE_BYTES = 256 * 1024;
/** At most this much of a terminal's output is on its way to a viewer. */
export const TERMINAL_WINDOW_BYTES = 96 * 1024;
export const EXPERIMENT_ID = /^[A-Za-z0-9]{8,16}$/;

/**
 * Binary frame, both directions: u8 version (1), u8 zero, u16 LE zero, u32 LE terminal,
 * 16 bytes experiment id (ASCII, NUL-padded), u64 LE offset of the first byte (0 upstream), then the bytes.
 */
export const TERMINAL_FRAME_HEADER_BYTES = 32;

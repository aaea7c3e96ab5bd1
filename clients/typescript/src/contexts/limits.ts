/** The limits of a file of contexts. A file that exceeds one is refused with a message that says the limit. */

export const MAX_FILE_BYTES = 256 * 1024;
export const MAX_DEPTH = 8;
export const MAX_VALUES = 20_000;
export const MAX_CONTEXTS = 200;
export const MAX_ALIASES = 1_000;
export const MAX_WORDS = 64;
export const MAX_TEXT_CHARACTERS = 4_096;
export const MAX_PROBLEMS = 50;
export const MAX_TIMEOUT_SECONDS = 86_400;

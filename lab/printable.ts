// Text without control sequences, for terminals and logs. The library has its own function for error messages,
// `escapeControls` in lib/values/validate.ts: the lab and the command line use only its public exports.

const controls = /[^\P{Cc}\n\t]|[\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Escapes control characters, characters that change the direction of text, and lone surrogates, as JSON does, so JSON keeps its
 * value. Line feeds and tabulators stay.
 */
export function printable(text: string): string {
  return text.replaceAll(controls, escape)
}

/** The same for a part of a line: escapes line feeds and tabulators as well. */
export function printablePart(text: string): string {
  return printable(text).replaceAll(/[\n\t]/g, escape)
}

// Text that a terminal or a log takes for nothing but text.

const controls = /[^\P{Cc}\n\t]|[\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/**
 * Escapes control characters, what turns the direction of text, and lone surrogates, as JSON does: so JSON stays what it was.
 * Lines and tabulators stay.
 */
export function printable(text: string): string {
  return text.replaceAll(controls, escape)
}

/** The same for a part of a line: it cannot begin another one. */
export function printablePart(text: string): string {
  return printable(text).replaceAll(/[\n\t]/g, escape)
}

// Operations for `execute`: three numbers per operation.

/** One operation. Unused rows are 0. */
export interface OperationTriple {
  readonly code: number
  /** Row of its service, timeouts or daemon. */
  readonly row: number
  /** Row of its destination. */
  readonly destination: number
}

const WORDS = 3

/** An array of operations. */
export class OperationTriples {
  readonly #words: Uint32Array

  constructor(capacity: number) {
    this.#words = new Uint32Array(capacity * WORDS)
  }

  /** Stores an operation without an object, because batches have many. */
  put(place: number, code: number, row: number, destination: number): void {
    const at = place * WORDS
    this.#words[at] = code
    this.#words[at + 1] = row
    this.#words[at + 2] = destination
  }

  code(place: number): number {
    return this.#words[place * WORDS] as number
  }

  row(place: number): number {
    return this.#words[place * WORDS + 1] as number
  }

  destination(place: number): number {
    return this.#words[place * WORDS + 2] as number
  }

  /** A view of the first `length` operations. */
  words(length: number): Uint32Array {
    return this.#words.subarray(0, length * WORDS)
  }
}

export function triplesOf(operations: readonly OperationTriple[]): OperationTriples {
  const triples = new OperationTriples(operations.length)
  for (const [place, { code, row, destination }] of operations.entries()) triples.put(place, code, row, destination)
  return triples
}

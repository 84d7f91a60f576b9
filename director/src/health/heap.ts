// A binary heap by time, for thousands of targets behind one timer.

export interface Due {
  readonly at: number
}

export class Heap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** The earliest, without taking it. */
  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let index = items.length
    items.push(item)
    while (index > 0) {
      const parent = (index - 1) >> 1
      const above = items[parent]
      if (above === undefined || above.at <= item.at) break
      items[index] = above
      index = parent
    }
    items[index] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (last !== undefined && items.length > 0) this.#sink(last)
    return top
  }

  #sink(item: T): void {
    const items = this.#items
    let index = 0
    for (;;) {
      const child = this.#earlierChild(index)
      const below = items[child]
      if (below === undefined || below.at >= item.at) break
      items[index] = below
      index = child
    }
    items[index] = item
  }

  #earlierChild(index: number): number {
    const left = 2 * index + 1
    const [one, other] = [this.#items[left], this.#items[left + 1]]
    return one !== undefined && other !== undefined && other.at < one.at ? left + 1 : left
  }
}

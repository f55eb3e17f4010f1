export interface Fifo<T> {
  push(item: T): void
  shift(): T | undefined
  size(): number
}

/** First in, first out, at a constant cost: `Array.shift` moves everything that stays, which hurts at ten thousand. */
export function createFifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = []
  let head = 0
  return {
    push(item) {
      items.push(item)
    },
    shift() {
      if (head === items.length) return undefined
      const item = items[head]
      items[head++] = undefined
      if (head > 1_024 && head * 2 > items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    size: () => items.length - head,
  }
}

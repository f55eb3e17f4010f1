/** The soonest first. */
export interface DueHeap<T> {
  push(atMs: number, item: T): void
  /** When the soonest is due; undefined when there is none. */
  soonestMs(): number | undefined
  /** Takes the soonest if it is due by `nowMs`. */
  popDue(nowMs: number): T | undefined
  size(): number
}

/** A binary heap; of equal times, the one that came first. */
export function createDueHeap<T>(): DueHeap<T> {
  type Node = { atMs: number; order: number; item: T }
  const nodes: Node[] = []
  let order = 0
  const before = (a: Node, b: Node) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

  function sink(node: Node): void {
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      let least = nodes[child]
      if (least === undefined) break
      const right = nodes[child + 1]
      if (right !== undefined && before(right, least)) {
        least = right
        child++
      }
      if (!before(least, node)) break
      nodes[hole] = least
      hole = child
    }
    nodes[hole] = node
  }

  return {
    push(atMs, item) {
      const node = { atMs, order: order++, item }
      let hole = nodes.length
      while (hole > 0) {
        const above = (hole - 1) >> 1
        const parent = nodes[above]
        if (parent === undefined || !before(node, parent)) break
        nodes[hole] = parent
        hole = above
      }
      nodes[hole] = node
    },
    soonestMs: () => nodes[0]?.atMs,
    popDue(nowMs) {
      const top = nodes[0]
      if (top === undefined || top.atMs > nowMs) return undefined
      const last = nodes.pop()
      if (last !== undefined && last !== top) sink(last)
      return top.item
    },
    size: () => nodes.length,
  }
}

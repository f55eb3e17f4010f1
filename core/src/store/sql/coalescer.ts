export interface Coalescer<In, Out> {
  (item: In): Promise<Out>
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
}

interface Entry<In, Out> {
  readonly item: In
  readonly keys: readonly string[]
  readonly size: number
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
}

/**
 * Turns concurrent calls into few: what is asked in one turn of the event loop, or while an earlier batch runs, goes as one `run`.
 *
 * - A call never joins a batch that has started, so that a read sees everything written before it was asked.
 * - Calls that share a key never run at the same time, and go in the order they came.
 * - When a batch fails and `splits(error)` says that one member may be to blame, its members run one by one, each to its own outcome.
 */
export function createCoalescer<In, Out>(options: {
  /** Answers in the order of the items. */
  run: (items: readonly In[]) => Promise<readonly Out[]>
  keysOf?: (item: In) => readonly string[]
  /** How many rows an item stands for; 1 by default. */
  sizeOf?: (item: In) => number
  splits?: (error: unknown) => boolean
  /** Rows per batch. A single item that is larger goes alone. */
  batchMax: number
  inFlightMax: number
}): Coalescer<In, Out> {
  const { run, keysOf = () => [], sizeOf = () => 1, splits = () => false, batchMax, inFlightMax } = options
  // A second batch beside a running one must be worth its round trip: small batches cost a flush each and starve the group commit.
  const worthwhile = Math.max(1, batchMax >> 3)
  const busy = new Set<string>()
  let queue: Entry<In, Out>[] = []
  let inFlight = 0
  let scheduled = false
  let waiters: (() => void)[] = []

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }

  function take(): Entry<In, Out>[] {
    const taken: Entry<In, Out>[] = []
    const left: Entry<In, Out>[] = []
    const blocked = new Set(busy)
    let size = 0
    for (const [index, entry] of queue.entries()) {
      if (taken.length > 0 && size + entry.size > batchMax) {
        for (let i = index; i < queue.length; i++) left.push(queue[i] as Entry<In, Out>)
        break
      }
      const isBlocked = entry.keys.some((one) => blocked.has(one))
      for (const one of entry.keys) blocked.add(one)
      if (isBlocked) {
        left.push(entry)
        continue
      }
      taken.push(entry)
      size += entry.size
    }
    queue = left
    return taken
  }

  function flush(): void {
    scheduled = false
    while (queue.length > 0 && inFlight < inFlightMax && (inFlight === 0 || queue.length >= worthwhile)) {
      const batch = take()
      if (batch.length === 0) return
      void settle(batch)
    }
  }

  async function settle(batch: readonly Entry<In, Out>[]): Promise<void> {
    inFlight++
    for (const entry of batch) for (const one of entry.keys) busy.add(one)
    await attempt(batch)
    for (const entry of batch) for (const one of entry.keys) busy.delete(one)
    inFlight--
    if (queue.length > 0) schedule()
    else if (inFlight === 0) {
      for (const wake of waiters) wake()
      waiters = []
    }
  }

  async function attempt(batch: readonly Entry<In, Out>[]): Promise<void> {
    try {
      const answers = await run(batch.map((entry) => entry.item))
      if (answers.length !== batch.length) throw new Error(`a batch of ${batch.length} was answered ${answers.length} times`)
      for (const [i, entry] of batch.entries()) entry.resolve(answers[i] as Out)
    } catch (error) {
      if (batch.length > 1 && splits(error)) for (const entry of batch) await attempt([entry])
      else for (const entry of batch) entry.reject(error)
    }
  }

  function call(item: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      queue.push({ item, keys: keysOf(item), size: sizeOf(item), resolve, reject })
      schedule()
    })
  }

  return Object.assign(call, {
    idle: () => (queue.length === 0 && inFlight === 0 ? Promise.resolve() : new Promise<void>((wake) => waiters.push(wake))),
  })
}

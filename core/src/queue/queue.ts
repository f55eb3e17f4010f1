export const hintKinds = ['message', 'delivery', 'relay', 'job'] as const
export type HintKind = (typeof hintKinds)[number]

/**
 * "Look at this." The queue holds hints, the store holds the truth: a hint may be lost, doubled or late, and nothing is lost, doubled
 * or wrong by it. Ids only, never a body, an address or a secret.
 */
export interface Hint {
  readonly kind: HintKind
  readonly workspaceId: string
  readonly id: string
  /** Not before; absent: now. */
  readonly at?: Date
  /** Jump the queue. */
  readonly urgent?: boolean
}

export interface Handler {
  /** Resolves when the hint has been dealt with (whatever became of it); rejects when the store could not be reached: tried again soon. */
  run(hint: Hint, signal: AbortSignal): Promise<void>
  /** How many at once in this process. */
  readonly concurrency: number
}

export interface Queue {
  /** Rejects fast when the queue is away: the sweeper will bring the hint again. Never waits for a reconnect. */
  add(hints: readonly Hint[]): Promise<void>
  /** Starts taking hints. Once. */
  work(handlers: Readonly<Record<HintKind, Handler>>): Promise<void>
  /** What waits: now, and for later. */
  depth(): Promise<{ waiting: number; delayed: number }>
  /** Stops intake at once, lets what runs finish until `deadlineMs`, then aborts its signal; drops the connections. */
  stop(deadlineMs: number): Promise<void>
}

import type { Queue } from '../queue/queue.ts'
import type { Stores } from '../store/stores.ts'
import type { Transport } from '../transport/transport.ts'

/** Where a process dies: before its n-th outward step is made, or after it is made and before anybody hears of it. Counted from 1. */
export interface Death {
  readonly step: number
  readonly when: 'before' | 'after'
}

export interface Life {
  stores(stores: Stores): Stores
  queue(queue: Queue): Queue
  transport(transport: Transport): Transport
  /** Resolves at the moment of death. */
  readonly died: Promise<void>
  readonly isOver: () => boolean
  /** The steps made so far, by name. */
  readonly steps: readonly string[]
}

const reads =
  /^(get|find|due|backlog|by|latest|line(OfLead|s)?$|touched|locate|pendingOfLine|open|sendingTo|unrelayed|list|active|ledger$|pace$|matching|ping|count|unannounced|prune)/

/**
 * A process that can be killed between any two steps: what it does to the world outside (store, queue, vendor) goes through here, and when it
 * is dead nothing it calls ever answers again, as nothing does for a process that is gone.
 */
export function createLife(death: Death | null): Life {
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  const never = new Promise<never>(() => undefined)
  const steps: string[] = []
  let over = false

  function end(): Promise<never> {
    over = true
    die()
    return never
  }

  function mortal<T extends object>(name: string, verbs: T, isStep: (verb: string) => boolean): T {
    return new Proxy(verbs, {
      get(target, verb, receiver) {
        const value: unknown = Reflect.get(target, verb, receiver)
        if (typeof value !== 'function' || typeof verb !== 'string') return value
        const run = (given: unknown[]): unknown => Reflect.apply(value, target, given)
        return (...given: unknown[]): unknown => {
          if (over) return never
          if (!isStep(verb)) {
            const answer = run(given)
            // What was asked before the death is not answered after it.
            return answer instanceof Promise ? answer.then((found: unknown) => (over ? never : found)) : answer
          }
          steps.push(`${name}.${verb}`)
          const isLast = death?.step === steps.length
          if (isLast && death.when === 'before') return end()
          const answer = Promise.resolve(run(given))
          return answer.then((made) => (isLast ? end() : over ? never : made))
        }
      },
    })
  }

  return {
    stores: (stores) => {
      const ports = Object.entries(stores).map(([name, port]: [string, unknown]) => [
        name,
        typeof port === 'object' && port !== null ? mortal(name, port, (verb) => !reads.test(verb)) : port,
      ])
      return Object.fromEntries(ports) as Stores
    },
    queue: (queue) => mortal('queue', queue, (verb) => verb === 'add'),
    transport: (transport) => mortal('transport', transport, (verb) => verb === 'send'),
    died,
    isOver: () => over,
    steps,
  }
}

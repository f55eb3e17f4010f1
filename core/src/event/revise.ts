import { AppError } from '../errors.ts'
import type { Aggregate } from './event.ts'

const roundsMax = 3

/**
 * Load, decide, commit: three times when others commit in between, then CONFLICT. `decide` gives the document itself back when nothing is
 * to be changed. Returns the document as it is stored then, and whether it was changed; null when it is not there.
 */
export async function revise<T extends Aggregate>(steps: {
  load: () => Promise<T | null>
  decide: (doc: T) => T | Promise<T>
  /** False on conflict; other refusals are thrown. */
  commit: (doc: T) => Promise<boolean>
}): Promise<{ doc: T; changed: boolean } | null> {
  for (let round = 0; round < roundsMax; round++) {
    const doc = await steps.load()
    if (doc === null) return null
    const next = await steps.decide(doc)
    if (next === doc) return { doc, changed: false }
    if (await steps.commit(next)) return { doc: { ...next, version: next.version + 1 }, changed: true }
  }
  throw new AppError('CONFLICT', 'it is being changed by others at the same time; try again')
}

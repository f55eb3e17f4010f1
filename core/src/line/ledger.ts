/** Counted on one day (line's time zone). */
export interface DayCount {
  total: number
  new: number
  checks: number
}

/** A place that is taken by a message which has not been handed over yet. */
export interface HeldPlace {
  day: string
  /** `YYYY-MM-DDTHH`, line's time zone. */
  hour: string
  address: string
  /** Counted as a first touch. */
  isNew: boolean
}

/**
 * The places of one line, in one document, so that a reservation is one conditional write with any number of workers.
 * `held` is keyed by message: reserving or releasing twice changes nothing. It is as long as what is on its way, not as history.
 */
export interface Ledger {
  readonly lineId: string
  readonly workspaceId: string
  readonly version: number
  readonly days: Readonly<Record<string, DayCount>>
  /** First touches per hour. */
  readonly hours: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, HeldPlace>>
  /** Messages that gave a place of that day back, so that giving back twice is recognised. */
  readonly released: Readonly<Record<string, readonly string[]>>
  /** No first touch of this line before. */
  readonly nextNewAt: Date | null
}

export function emptyLedger(workspaceId: string, lineId: string): Ledger {
  return { lineId, workspaceId, version: 0, days: {}, hours: {}, held: {}, released: {}, nextNewAt: null }
}

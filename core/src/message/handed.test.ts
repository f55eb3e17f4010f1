import { describe, expect, it } from 'vitest'
import { handedAt } from './handed.ts'
import { statuses } from './lifecycle.ts'

const at = new Date('2026-11-22T10:00:00Z')
const updatedAt = new Date('2026-11-22T11:00:00Z')
const untouched = { status: 'queued', sentAt: null, failure: null, attempt: null, updatedAt } as const
const attempt = { id: 'att_1', lineId: 'line_1', address: '+15005550001', number: 1, at, lookups: 0 }

describe('handedAt', () => {
  it('is null in every status in which nothing left', () => {
    const never = statuses.filter((status) => handedAt({ ...untouched, status, attempt }) === null)
    expect(never).toEqual(['queued', 'pending', 'failed', 'fallback', 'cancelled'])
  })

  it('is the time of the attempt while it is being handed over', () => {
    expect(handedAt({ ...untouched, status: 'sending', attempt })).toEqual(at)
  })

  it('counts an outcome nobody knows: it may have gone out', () => {
    const failure = { code: 'outcome_unknown', detail: '', permanent: true }
    expect(handedAt({ ...untouched, status: 'failed', failure, attempt })).toEqual(at)
  })

  it('counts what was accepted and failed afterwards', () => {
    expect(handedAt({ ...untouched, status: 'fallback', sentAt: at })).toEqual(at)
  })

  it('falls back to the last change when a receipt alone says that it went', () => {
    expect(handedAt({ ...untouched, status: 'delivered' })).toEqual(updatedAt)
  })
})

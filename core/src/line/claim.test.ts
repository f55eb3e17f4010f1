import { describe, expect, it } from 'vitest'
import { claimOf } from './claim.ts'

const held = { lineId: 'line_1', day: '2026-11-22', state: 'held' } as const

describe('whose a place is', () => {
  it.each([
    ['claimed', 'a message that waits and may be reserving it right now', { status: 'queued', reservation: null }],
    ['claimed', 'a message in its slot', { status: 'pending', reservation: held }],
    ['claimed', 'a message on its way', { status: 'sending', reservation: held }],
    ['claimed', 'a message that is giving it back itself', { status: 'cancelled', reservation: { ...held, state: 'releasing' } }],
    ['used', 'a message that was sent', { status: 'sent', reservation: held }],
    ['used', 'a message of which nobody knows whether it went', { status: 'failed', reservation: held }],
    ['left', 'a message that was cancelled before its place was written on it', { status: 'cancelled', reservation: null }],
    ['left', 'a message that has its place on another line', { status: 'pending', reservation: { ...held, lineId: 'line_2' } }],
    ['left', 'a message that left by another line', { status: 'delivered', reservation: { ...held, lineId: 'line_2' } }],
  ] as const)('%s: %s', (whose, _, message) => {
    expect(claimOf(message, 'line_1')).toBe(whose)
  })

  it('used: a message that was erased', () => {
    expect(claimOf(null, 'line_1')).toBe('used')
  })
})

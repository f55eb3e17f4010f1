import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSealer } from '../workspace/secrets.ts'
import { createUnsubscribeTokens } from './unsubscribe.ts'

const key = randomBytes(32)
const tokens = createUnsubscribeTokens(createSealer([key]))
const who = { leadId: 'lead_1', address: 'ada@example.com' }

describe('an unsubscribe token', () => {
  it('says who it was made for, is safe in a URL, and shows no address', () => {
    const token = tokens.unsubscribeToken('ws_1', who)
    expect(tokens.readUnsubscribeToken(token)).toEqual({ workspaceId: 'ws_1', ...who })
    expect(encodeURIComponent(token)).toBe(token)
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('ada')
    expect(tokens.readUnsubscribeToken(tokens.unsubscribeToken('ws_1', { ...who, leadId: null }))?.leadId).toBeNull()
  })

  it('outlives rotation as long as its key is listed', () => {
    const token = tokens.unsubscribeToken('ws_1', who)
    expect(createUnsubscribeTokens(createSealer([randomBytes(32), key])).readUnsubscribeToken(token)).not.toBeNull()
    expect(createUnsubscribeTokens(createSealer([randomBytes(32)])).readUnsubscribeToken(token)).toBeNull()
  })

  it('is null for anything that is not ours', () => {
    const token = tokens.unsubscribeToken('ws_1', who)
    const foreign = createSealer([key]).seal('', 'unsubscribe', JSON.stringify(['ws_1', null, 'ada@example.com']))
    const misshapen = createSealer([key])
      .derive('unsubscribe')
      .seal('', 'unsubscribe', JSON.stringify({ workspaceId: 'ws_1' }))
    for (const text of ['', 'x', `${token}x`, token.slice(1), foreign, misshapen, 'x'.repeat(100_000)])
      expect(tokens.readUnsubscribeToken(text)).toBeNull()
  })
})

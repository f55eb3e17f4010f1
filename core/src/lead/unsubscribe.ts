import { z } from 'zod'
import type { Consent } from '../operations.ts'
import type { Sealer } from '../workspace/secrets.ts'

const content = z.tuple([z.string().min(1), z.string().nullable(), z.string().min(1)])
const lengthMax = 2_000

/**
 * Tokens of the one-click unsubscribe address (RFC 8058). Sealed rather than signed: the address would otherwise stand in every log that keeps
 * URLs. They do not expire, because an old email may be unsubscribed from; they die with the encryption key they were made under.
 */
export function createUnsubscribeTokens(sealer: Sealer): Pick<Consent, 'unsubscribeToken' | 'readUnsubscribeToken'> {
  const ours = sealer.derive('unsubscribe')

  function opened(token: string): unknown {
    try {
      return JSON.parse(ours.open('', 'unsubscribe', token))
    } catch {
      return null
    }
  }

  return {
    unsubscribeToken: (workspaceId, { leadId, address }) => ours.seal('', 'unsubscribe', JSON.stringify([workspaceId, leadId, address])),
    readUnsubscribeToken(token) {
      const read = content.safeParse(token.length > lengthMax ? null : opened(token))
      if (!read.success) return null
      const [workspaceId, leadId, address] = read.data
      return { workspaceId, leadId, address }
    },
  }
}

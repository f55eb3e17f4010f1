import { AppError, type Runtime } from '@trunkline/core'
import type { Context } from 'hono'
import { correlate } from '../correlation.ts'
import type { Engine } from '../engine.ts'
import { htmlResponse, page } from '../pages.ts'
import type { RawRoute } from '../route.ts'

const path = '/unsubscribe/{token}'
const unknown = page('Unsubscribe', '<h1>This link is not valid</h1><p>It may have been cut short. Reply STOP to the sender instead.</p>')
const ask = page(
  'Unsubscribe',
  '<h1>Unsubscribe</h1><p>You will get no more messages from this sender.</p><form method="post"><button>Unsubscribe</button></form>',
)
const done = page('Unsubscribed', '<h1>You are unsubscribed</h1><p>You will get no more messages from this sender.</p>')

interface Parts {
  engine: Pick<Engine, 'consent' | 'leads'>
  runtime: Pick<Runtime, 'id'>
}

/**
 * Where `List-Unsubscribe` leads (RFC 8058). Only a POST opts out: mail scanners open every link, and a GET must change nothing.
 * Like STOP it holds for every channel, and a read-only workspace is no obstacle to it.
 */
export function createUnsubscribeRoutes({ engine: { consent, leads }, runtime }: Parts): RawRoute[] {
  const tokenOf = (c: Context) => consent.readUnsubscribeToken(c.req.param('token') ?? '')

  async function leadOf(workspaceId: string, leadId: string | null) {
    if (leadId === null) return null
    try {
      return await leads.get(workspaceId, leadId)
    } catch (error) {
      // Erased since: its address is still to be kept from.
      if (error instanceof AppError && error.code === 'LEAD_NOT_FOUND') return null
      throw error
    }
  }

  return [
    {
      method: 'GET',
      path,
      tag: 'unsubscribe',
      summary: 'A page with a button',
      answers: { 200: 'The page', 404: 'The link is not valid' },
      respond: (c) => (tokenOf(c) === null ? htmlResponse(unknown, 404) : htmlResponse(ask, 200)),
    },
    {
      method: 'POST',
      path,
      tag: 'unsubscribe',
      summary: 'Opt out, with one click',
      answers: { 200: 'Opted out', 404: 'The link is not valid' },
      respond: async (c) => {
        const who = tokenOf(c)
        if (who === null) return htmlResponse(unknown, 404)
        const caller = { workspaceId: who.workspaceId, actor: 'unsubscribe', correlationId: correlate(c.req.header('x-correlation-id'), runtime) }
        const lead = await leadOf(who.workspaceId, who.leadId)
        await consent.optOut(caller, { lead, address: who.address, channels: null, reason: 'unsubscribe link', source: 'unsubscribe' })
        return htmlResponse(done, 200)
      },
    },
  ]
}

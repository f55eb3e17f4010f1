import { AppError } from '@trunkline/core'
import type { Engine } from '../engine.ts'
import { readText } from '../read-body.ts'
import type { RawRoute } from '../route.ts'

/** An inbound message with what a bridge says about its attachments. */
const bytesMax = 2 * 1_048_576

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The line's transport says what it makes of it; a bridge is not told off for what it posts.
    return text
  }
}

/** Where a line's bridge posts. An unknown line and a wrong secret look alike: 401. */
export function createHookRoutes({ engine }: { engine: Pick<Engine, 'receive'> }): RawRoute[] {
  return [
    {
      method: 'POST',
      path: '/hooks/lines/{lineId}/{secret}',
      tag: 'hooks',
      summary: "Receipts and replies from a line's bridge",
      answers: { 200: 'Kept', 401: 'Unknown line or wrong secret', 413: 'Too large' },
      respond: async (c) => {
        const text = await readText(c, bytesMax)
        const known = await engine.receive(c.req.param('lineId') ?? '', c.req.param('secret') ?? '', parsed(text))
        if (!known) throw new AppError('UNAUTHENTICATED', 'The line or its secret is not known')
        return Response.json({ received: true })
      },
    },
  ]
}

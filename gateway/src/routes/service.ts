import { statuses } from '@trunkline/core'
import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { serviceBody } from '../schemas/message.ts'

/** Where outside workers and bridges report what became of a message. The same report twice changes nothing, so it takes no Idempotency-Key. */
export function createServiceRoutes({ engine: { messages } }: { engine: Pick<Engine, 'messages'> }): Route[] {
  return [
    route({
      method: 'POST',
      path: '/api/webhooks/v1-message',
      tag: 'service',
      summary: 'Report an event of a message (service token)',
      scope: 'service',
      body: serviceBody,
      answers: { 200: z.object({ applied: z.boolean(), status: z.enum(statuses) }) },
      handle: async ({ body: { checkedAddresses, ...report } }) =>
        reply(
          200,
          await messages.report({ ...report, checkedAddresses: checkedAddresses?.map(({ address, available }) => ({ address, available })) }),
        ),
    }),
  ]
}

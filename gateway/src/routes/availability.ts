import { AppError, type Caller, invalid } from '@trunkline/core'
import { z } from 'zod'
import type { Engine } from '../engine.ts'
import { type Route, reply, route } from '../route.ts'
import { addressAnswer } from '../schemas/lead.ts'
import { input, text } from '../schemas/text.ts'

const tag = 'availability'
const address = text(254)
/** As many questions as are open at once for one request: lines ask one at a time anyway. */
const atOnce = 10

export function createAvailabilityRoutes({ engine: { availability } }: { engine: Pick<Engine, 'availability'> }): Route[] {
  async function check(caller: Caller, wanted: string) {
    const found = await availability.checkAddress(caller, wanted)
    return { ...found, checkedAt: found.checkedAt?.toISOString() ?? null }
  }

  async function checkAll(caller: Caller, addresses: readonly string[]) {
    const results: Awaited<ReturnType<typeof check>>[] = []
    for (let start = 0; start < addresses.length; start += atOnce) {
      const part = addresses.slice(start, start + atOnce).map((wanted, i) =>
        check(caller, wanted).catch((error: unknown) => {
          throw error instanceof AppError && error.code === 'VALIDATION' ? invalid(`addresses.${start + i}`, error.message) : error
        }),
      )
      results.push(...(await Promise.all(part)))
    }
    return results
  }

  return [
    route({
      method: 'GET',
      path: '/api/check-availability',
      tag,
      summary: 'Whether an address is on iMessage',
      scope: 'read',
      class: 'availability',
      query: input({ address }),
      answers: { 200: addressAnswer },
      handle: async ({ caller, query }) => reply(200, await check(caller, query.address)),
    }),
    route({
      method: 'POST',
      path: '/api/check-availability',
      tag,
      summary: 'Whether these addresses are on iMessage',
      scope: 'write',
      class: 'availability',
      body: z.strictObject({ addresses: z.array(address).min(1).max(100) }),
      answers: { 200: z.object({ results: z.array(addressAnswer) }) },
      handle: async ({ caller, body }) => reply(200, { results: await checkAll(caller, body.addresses) }),
    }),
  ]
}

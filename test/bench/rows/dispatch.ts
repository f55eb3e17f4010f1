import { sayExactness } from '../exact.ts'
import { drain } from '../measure.ts'
import { openPlace, type Place } from '../place.ts'
import { listen, type Row, rolesOf, shapeOf } from '../row.ts'
import { spreadOf } from '../spread.ts'
import { millis } from '../table.ts'

const event = 'lead.created'

/** What one dead endpoint costs the others: leads at a steady pace, told to a fast receiver alone, then beside an endpoint that takes every call and never answers. */
export const dispatch: Row = async ({ way, servers, options }) => {
  const { workers, seconds, profileDir, leadsPerSecond } = options
  const place = await openPlace({ way, servers, roles: rolesOf(way, workers), profileDir })
  try {
    await listen(place, event)
    await run(place, leadsPerSecond, Math.min(2, seconds))
    const alone = await run(place, leadsPerSecond, seconds)
    const { id } = await place.addWebhook(place.deadUrl, [event])
    const beside = await run(place, leadsPerSecond, seconds)
    await place.call('DELETE', `/api/webhooks/${id}`)
    const cost = beside.spread.p99 / alone.spread.p99 - 1
    return [
      {
        way,
        figure: `webhook p99 beside one dead endpoint, ${shapeOf(way, workers)}`,
        reached: `${cost >= 0 ? '+' : ''}${Math.round(cost * 100)} % (p99 ${millis(alone.spread.p99)} -> ${millis(beside.spread.p99)}, p50 ${millis(alone.spread.p50)} -> ${millis(beside.spread.p50)})`,
        target: '< +10 %',
        perSecond: null,
        verified: sayExactness(beside.result),
        isExact: alone.result.exact && beside.result.exact,
      },
    ]
  } finally {
    await place.stop()
  }
}

async function run(place: Place, perSecond: number, seconds: number) {
  await place.receiver.ask('reset', undefined as never)
  const loaded = await place.load({ what: 'lead', pace: { type: 'steady', perSecond }, seconds })
  const result = await drain(
    place,
    loaded.accepted.map(({ id }) => id),
    event,
    45_000,
  )
  const dueAt = new Map(loaded.accepted.map(({ id, atMs }) => [id, atMs]))
  const arrivals = await place.receiver.ask('arrivals', undefined as never)
  return { result, spread: spreadOf(arrivals.map(({ subject, atMs }) => atMs - (dueAt.get(subject) ?? Number.NaN))) }
}

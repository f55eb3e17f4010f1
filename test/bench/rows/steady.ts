import { startChild } from '../child.ts'
import { sayExactness } from '../exact.ts'
import type { Loaded } from '../loader.ts'
import { type Drained, drain } from '../measure.ts'
import { bridgeLine, openPlace, type Place } from '../place.ts'
import { listen, type Row, rolesOf, shapeOf } from '../row.ts'
import { type Spread, spreadOf } from '../spread.ts'
import { type Figure, millis } from '../table.ts'
import type { VendorCommands } from '../vendor.ts'

const event = 'message.delivered'

/**
 * The same at a fixed pace, from when a message was to be posted to its signed webhook. Twice: by the sandbox, which waits 20 ms before it says
 * that a message was delivered, so that its p99 can hardly be under 25 ms; and by a vendor over HTTP that says so at once.
 */
export const steady: Row = async ({ way, servers, options }) => {
  const { workers, seconds, profileDir, messagesPerSecond: perSecond } = options
  const place = await openPlace({ way, servers, roles: rolesOf(way, workers), profileDir })
  const vendor = startChild<VendorCommands>(new URL('../vendor.ts', import.meta.url))
  try {
    await listen(place, event)
    const bridge = await bridgeLine(place.call, await vendor.ask('address', undefined as never))
    await vendor.ask('hook', `${place.hubs[0]?.process.url}${bridge.hookPath}`)

    const figures: Figure[] = []
    for (const [name, lineId] of [
      ['sandbox, 20 ms of it the sandbox', place.lineId],
      ['vendor over HTTP', bridge.id],
    ] as const) {
      await run(place, { lineId, perSecond, seconds: Math.min(2, seconds) })
      const { loaded, result, spread } = await run(place, { lineId, perSecond, seconds })
      const answered = spreadOf(loaded.latenciesMs)
      const refused = loaded.refused === 0 ? '' : `; ${loaded.refused} refused: ${loaded.firstRefusal}`
      figures.push({
        way,
        figure: `at ${perSecond}/s, ${name}, ${shapeOf(way, workers)}`,
        reached: `p50 ${millis(spread.p50)}, p99 ${millis(spread.p99)} (201 after p50 ${millis(answered.p50)}, p99 ${millis(answered.p99)})`,
        target: 'p99 <= 25 ms',
        perSecond: null,
        verified: `${sayExactness(result)}${refused}`,
        isExact: result.exact,
      })
    }
    const { sends, violations } = await vendor.ask('ledger', undefined as never)
    const last = figures.at(-1)
    if (last) last.verified += `; vendor's ledger: ${sends} sends, ${violations} bad calls`
    return figures
  } finally {
    await Promise.all([vendor.stop(), place.stop()])
  }
}

async function run(
  place: Place,
  { lineId, perSecond, seconds }: { lineId: string; perSecond: number; seconds: number },
): Promise<{ loaded: Loaded; result: Drained; spread: Spread }> {
  await place.receiver.ask('reset', undefined as never)
  const loaded = await place.load({ what: 'message', pace: { type: 'steady', perSecond }, seconds, lineId })
  const result = await drain(
    place,
    loaded.accepted.map(({ id }) => id),
    event,
    45_000,
  )
  const dueAt = new Map(loaded.accepted.map(({ id, atMs }) => [id, atMs]))
  const arrivals = await place.receiver.ask('arrivals', undefined as never)
  const waits = arrivals.flatMap(({ subject, atMs }) => {
    const from = dueAt.get(subject)
    return from === undefined ? [] : [atMs - from]
  })
  return { loaded, result, spread: spreadOf(waits) }
}

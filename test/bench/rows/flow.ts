import { sayExactness } from '../exact.ts'
import { drain, residentMb, saturate } from '../measure.ts'
import { openPlace, type Place } from '../place.ts'
import { processorPer } from '../processor.ts'
import { listen, type Row, rolesOf, shapeOf } from '../row.ts'
import { type Figure, millis, whole } from '../table.ts'

const event = 'message.delivered'

/** Accept → vendor → status → signed webhook received, saturated; then the same webhooks once more, by a replay: dispatch and nothing else. */
export const flow: Row = async ({ way, servers, options }) => {
  const { seconds, workers, profileDir } = options
  const place = await openPlace({ way, servers, roles: rolesOf(way, workers), profileDir })
  try {
    const idle = residentMb(place.hubs[0]?.process.pid ?? 0)
    const webhook = await listen(place, event)
    const used = processorPer(processesOf(place))
    const { loaded, perSecond } = await saturate(place, { what: 'message', seconds, warmSeconds: Math.min(2, seconds) })
    const ids = loaded.accepted.map(({ id }) => id)
    const result = await drain(place, ids, event, 45_000)
    const cost = used(ids.length)
    const busy = place.hubs.map(({ process }) => residentMb(process.pid)?.most ?? Number.NaN)
    const refused = loaded.refused === 0 ? '' : `; ${loaded.refused} refused: ${loaded.firstRefusal}`
    const figures: Figure[] = [
      {
        way,
        figure: `accept -> vendor -> status -> webhook, ${shapeOf(way, workers)}`,
        reached: `${whole(perSecond)} messages/s; CPU per message: ${cost}`,
        target: way === 'embedded' ? '>= 1 000/s' : '>= 2 500/s and >= 0.15 of bare',
        perSecond,
        verified: `${sayExactness(result)}; ${result.sampledSignatures} signatures, ${result.badSignatures} bad${refused}`,
        isExact: result.exact,
      },
      {
        way,
        figure: 'time to be up; resident',
        reached: `${millis(place.upMs)}; ${whole(idle?.now ?? Number.NaN)} MB idle, ${busy.map((mb) => whole(mb)).join(' + ')} MB at most under load`,
        target: way === 'embedded' ? '<= 1 s; <= 120 MB' : 'none for servers',
        perSecond: null,
        verified: '',
        isExact: true,
      },
    ]
    if (options.rows.includes('dispatch') && result.exact) figures.push(await replayed(place, { webhookId: webhook.id, ids }))
    return figures
  } finally {
    await place.stop()
  }

  async function replayed(at: typeof place, { webhookId, ids }: { webhookId: string; ids: string[] }): Promise<Figure> {
    await at.receiver.ask('reset', undefined as never)
    const answer = await at.call<{ count: number }>('POST', `/api/webhooks/${webhookId}/replay`, { since: '2020-01-01T00:00:00Z' })
    const result = await drain(at, ids, event, 45_000)
    const times = (await at.receiver.ask('arrivals', undefined as never)).map(({ atMs }) => atMs).sort((a, b) => a - b)
    // The first and last tenth are the replay opening old deliveries and the tail running out.
    const [from, to] = [times[Math.floor(times.length * 0.1)] ?? 0, times[Math.floor(times.length * 0.9)] ?? 0]
    const perSecond = ((times.length * 0.8) / (to - from)) * 1_000
    return {
      way,
      figure: `webhook dispatch to a fast receiver, ${shapeOf(way, workers)}`,
      reached: `${whole(perSecond)}/s in ${workers > 1 && way !== 'embedded' ? 'all' : 'one process'}`,
      target: '>= 8 000/s per process',
      perSecond,
      verified: `${sayExactness(result)}; the replay said ${answer.body.count}`,
      isExact: result.exact,
    }
  }
}

function processesOf({ hubs, pids }: Place): { name: string; pid: number }[] {
  return [
    ...hubs.map(({ role, process }) => ({ name: role === 'all' ? 'hub' : role, pid: process.pid })),
    { name: 'client', pid: pids.client },
    { name: 'receiver', pid: pids.receiver },
  ]
}

import { openPlace, type Place } from '../place.ts'
import type { Row } from '../row.ts'
import { spreadOf } from '../spread.ts'
import { millis, whole } from '../table.ts'

const pace = { type: 'full', inFlight: 128, windowMax: Number.MAX_SAFE_INTEGER } as const
const pageMax = 200
const dayMs = 86_400_000

/**
 * Accept only: one API process and no worker, with keys, validation, idempotency keys and a durable write. The embedded hub cannot be without its
 * worker, so there the messages are for tomorrow. Killed afterwards; a new process shows what is there.
 */
export const accept: Row = async ({ way, servers, options }) => {
  const role = way === 'embedded' ? 'all' : 'api'
  const place = await openPlace({ way, servers, roles: [role], profileDir: options.profileDir })
  try {
    const what = { what: 'message', pace, ...(role === 'all' ? { scheduledDate: new Date(Date.now() + dayMs).toISOString() } : {}) } as const
    const warm = await place.load({ ...what, seconds: Math.min(2, options.seconds) })
    const measured = await place.load({ ...what, seconds: options.seconds })
    const perSecond = (measured.accepted.length / (measured.toMs - measured.fromMs)) * 1_000
    const refused = warm.refused + measured.refused
    const ids = [...warm.accepted, ...measured.accepted].map(({ id }) => id)

    const [hub] = place.hubs.splice(0)
    if (options.profileDir === null) await hub?.process.kill()
    else await hub?.process.stop()
    await place.start(role)
    const stored = await storedIds(place)
    const there = ids.filter((id) => stored.has(id)).length
    const isExact = there === ids.length && stored.size === ids.length
    const spread = spreadOf(measured.latenciesMs)
    const verdict = `${isExact ? 'exact:' : `NOT EXACT: ${stored.size} in the store,`} ${there} of ${ids.length} there after SIGKILL`
    return [
      {
        way,
        figure: `accept only, ${role === 'api' ? 'one API process' : 'for tomorrow, one process'}`,
        reached: `${whole(perSecond)}/s, p50 ${millis(spread.p50)}, p99 ${millis(spread.p99)}`,
        target: '>= 12 000/s',
        perSecond,
        verified: refused === 0 ? verdict : `${verdict}; ${refused} refused: ${measured.firstRefusal ?? warm.firstRefusal}`,
        isExact,
      },
    ]
  } finally {
    await place.stop()
  }
}

async function storedIds({ call }: Place): Promise<Set<string>> {
  const ids = new Set<string>()
  for (let cursor = ''; ; ) {
    const { status, body } = await call<{ messages: { id: string }[]; nextCursor: string | null }>('GET', `/api/messages?limit=${pageMax}${cursor}`)
    if (status !== 200) throw new Error(`listing messages answered ${status}: ${JSON.stringify(body)}`)
    for (const { id } of body.messages) ids.add(id)
    if (body.nextCursor === null) return ids
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`
  }
}

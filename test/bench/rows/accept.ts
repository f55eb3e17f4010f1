import { openPlace } from '../place.ts'
import type { Row } from '../row.ts'
import { spreadOf } from '../spread.ts'
import { millis, whole } from '../table.ts'

const everything = { windowMax: Number.MAX_SAFE_INTEGER }

/** Accept only: one API process and no worker, with keys, validation, idempotency keys and a durable write. Killed afterwards, and counted in a new process. */
export const accept: Row = async ({ way, servers, options }) => {
  const place = await openPlace({ way, servers, roles: ['api'], profileDir: options.profileDir })
  try {
    const pace = { type: 'full', inFlight: 128, ...everything } as const
    const warm = await place.load({ what: 'message', pace, seconds: Math.min(2, options.seconds) })
    const measured = await place.load({ what: 'message', pace, seconds: options.seconds })
    const perSecond = (measured.accepted.length / (measured.toMs - measured.fromMs)) * 1_000
    const refused = warm.refused + measured.refused
    const ids = [...warm.accepted, ...measured.accepted].map(({ id }) => id)

    if (options.profileDir === null) await place.hubs[0]?.process.kill()
    else await place.hubs[0]?.process.stop()
    place.hubs.length = 0
    await place.start('api')
    const ask = async () => (await fetch(`${place.hubs[0]?.process.url}/metrics`)).text()
    // What is due is asked of the store while a page is being made, so the first page has the figure of nothing.
    await ask()
    const metrics = await ask()
    const stored = Number(/^trunkline_due\{kind="messages"\} (\d+)/m.exec(metrics)?.[1] ?? 0)
    const isExact = stored === ids.length && new Set(ids).size === ids.length
    const spread = spreadOf(measured.latenciesMs)
    const verdict = isExact
      ? `exact: ${stored} of ${ids.length} there after SIGKILL`
      : `NOT EXACT: ${ids.length} accepted, ${stored} there after SIGKILL`
    return [
      {
        way,
        figure: 'accept only, one API process',
        reached: `${whole(perSecond)}/s, p50 ${millis(spread.p50)}, p99 ${millis(spread.p99)}`,
        target: way === 'redis' ? '>= 12 000/s (PostgreSQL)' : '>= 12 000/s',
        perSecond,
        verified: refused === 0 ? verdict : `${verdict}; ${refused} refused: ${measured.firstRefusal ?? warm.firstRefusal}`,
        isExact,
      },
    ]
  } finally {
    await place.stop()
  }
}

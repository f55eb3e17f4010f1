import { monotonicMs } from '../clock.ts'
import { sayExactness } from '../exact.ts'
import { drain, saturate } from '../measure.ts'
import { openPlace, type Place, type Role } from '../place.ts'
import { listen, type Row } from '../row.ts'
import type { Figure } from '../table.ts'

const event = 'message.delivered'
const patienceMs = 75_000
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

interface Blow {
  figure: string
  target: string
  roles: readonly Role[]
  /** What goes wrong, in the middle of full load. */
  strike(place: Place): Promise<void>
  /** What an operator's supervisor does about it. */
  mend?(place: Place): Promise<void>
}

/** Something breaks under full load: how long until all that was accepted was handed over, and until all of it was told. */
export const recovery: Row = async ({ way, servers, options }) => {
  const killed: Blow = {
    figure: 'one of two workers killed',
    target: 'claimed again within 15 s',
    roles: ['api', 'worker', 'worker'],
    strike: async (place) => void (await place.hubs.at(-1)?.process.kill()),
  }
  const wiped: Blow = {
    figure: 'Redis wiped',
    target: 'queued again within 30 s',
    roles: ['api', 'worker'],
    strike: () => servers.wipeRedis(),
  }
  const restarted: Blow = {
    figure: 'the one process killed and started again',
    target: 'none written: 15 s as of a worker',
    roles: ['all'],
    strike: async (place) => void (await place.hubs.at(-1)?.process.kill()),
    async mend(place) {
      place.hubs.length = 0
      await place.start('all')
    },
  }
  const blows = way === 'embedded' ? [restarted] : way === 'postgres' ? [killed] : [killed, wiped]
  const figures: Figure[] = []
  for (const blow of blows) {
    const place = await openPlace({ way, servers, roles: blow.roles, profileDir: options.profileDir })
    try {
      figures.push({ way, ...(await survive(place, blow)) })
    } finally {
      await place.stop()
    }
  }
  return figures
}

async function survive(place: Place, blow: Blow): Promise<Omit<Figure, 'way'>> {
  await listen(place, event)
  const running = saturate(place, { what: 'message', seconds: 2, warmSeconds: 0.5 })
  await new Promise((resolve) => setTimeout(resolve, 1_800))
  const struckMs = monotonicMs()
  await blow.strike(place)
  await blow.mend?.(place)
  const { loaded } = await running
  const moving = untilNoneOpen(place)
  const result = await drain(
    place,
    loaded.accepted.map(({ id }) => id),
    event,
    patienceMs,
  )
  const movedMs = (await moving) - struckMs
  const cut = loaded.refused === 0 ? '' : `; ${loaded.refused} posts cut, no 201`
  return {
    figure: blow.figure,
    reached: `all handed over after ${seconds(movedMs)}, all told after ${seconds(result.lastAtMs - struckMs)}`,
    target: blow.target,
    perSecond: null,
    verified: `${sayExactness(result)}${cut}`,
    isExact: result.exact,
  }
}

/** When no message was left that waits, is claimed or is at the vendor. */
async function untilNoneOpen(place: Place): Promise<number> {
  const until = monotonicMs() + patienceMs
  while (monotonicMs() < until) {
    const open = await Promise.all(
      ['queued', 'pending', 'sending'].map((status) => place.call<{ messages: unknown[] }>('GET', `/api/messages?status=${status}&limit=1`)),
    )
    if (open.every(({ status, body }) => status === 200 && body.messages.length === 0)) return monotonicMs()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return Number.NaN
}

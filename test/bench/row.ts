import type { Options, Way } from './options.ts'
import type { Place, Role } from './place.ts'
import type { Servers } from './servers.ts'
import type { Figure } from './table.ts'

/** One measurement on one way of running, on a place of its own that it opens and closes. */
export type Row = (parts: { way: Way; servers: Servers; options: Options }) => Promise<Figure[]>

/** Embedded is one process, because its directory belongs to one; else one API process and the workers. */
export function rolesOf(way: Way, workers: number): Role[] {
  return way === 'embedded' ? ['all'] : ['api', ...Array.from({ length: workers }, () => 'worker' as const)]
}

/** Says how the hub was spread over processes. */
export function shapeOf(way: Way, workers: number): string {
  return way === 'embedded' ? 'one process' : `1 API + ${workers} worker${workers > 1 ? 's' : ''}`
}

/** A receiver that is told `event` of everything, and knows its secret. */
export async function listen(place: Place, event: string): Promise<{ id: string }> {
  const { id, secret } = await place.addWebhook(place.receiverUrl, [event])
  await place.receiver.ask('trust', secret)
  return { id }
}

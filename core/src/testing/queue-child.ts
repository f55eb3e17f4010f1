import { createPostgresQueue, createRedisQueue } from '../queue/bullmq.ts'
import type { Handler } from '../queue/queue.ts'
import { createRuntime } from '../runtime.ts'
import { SteadyClient } from '../store/sql/steady-client.ts'
import { silentLog } from './moved-clock.ts'

// A process of its own that takes hints, says so on its output, and never finishes one: somebody to kill.
const [kind, url = '', prefix = ''] = process.argv.slice(2)
const parts = { url, log: silentLog, runtime: createRuntime(silentLog) }
const queue = kind === 'redis' ? await createRedisQueue({ ...parts, prefix }) : await createPostgresQueue({ ...parts, client: SteadyClient })
const hold: Handler = {
  concurrency: 1,
  run(hint) {
    process.stdout.write(`${hint.id}\n`)
    return new Promise(() => {})
  },
}
await queue.work({ message: hold, delivery: hold, relay: hold, job: hold })

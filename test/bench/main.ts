import { loadavg } from 'node:os'
import { besideOf } from './beside.ts'
import { type Options, type RowName, readOptions, type Way } from './options.ts'
import type { Row } from './row.ts'
import { accept } from './rows/accept.ts'
import { dispatch } from './rows/dispatch.ts'
import { flow } from './rows/flow.ts'
import { recovery } from './rows/recovery.ts'
import { steady } from './rows/steady.ts'
import { createServers } from './servers.ts'
import { type BareFigure, type Figure, table, whole } from './table.ts'

// `npm run bench`: the figures of hardening.md §3 that exist by now, each beside bare BullMQ of the same run. Asserts no times: it ends with 1 only
// when something accepted was not delivered exactly.

const rows: Record<RowName, Row> = { accept, flow, steady, dispatch, recovery }
const say = (text: string) => process.stderr.write(`${text}\n`)

function optionsOrExit(): Options {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    process.exit(2)
  }
}

const options = optionsOrExit()
const servers = createServers()
const figures: Figure[] = []
const bare = new Map<Way, BareFigure>()
const absent: string[] = []
const loadBefore = loadavg()[0] ?? 0
const startedMs = performance.now()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => process.exit(130))
try {
  for (const way of options.ways) {
    const why = servers.missing(way)
    if (why !== null) {
      absent.push(`${way} was not run: ${why}`)
      continue
    }
    const beside = await besideOf(way, servers, options.seconds)
    if (beside !== null) bare.set(way, beside)
    say(
      `${way}: bare BullMQ ${beside === null ? 'was not run: no redis-server on this machine' : `${whole(beside.jobsPerSecond)} no-op jobs/s on ${beside.name}`}`,
    )
    for (const name of options.rows) {
      if (performance.now() - startedMs > options.minutes * 60_000) {
        absent.push(`${name} on ${way} was not run: ${options.minutes} minutes were over (--minutes)`)
        continue
      }
      for (const figure of await rows[name]({ way, servers, options })) {
        figures.push(figure)
        say(`${way}: ${figure.figure}: ${figure.reached} [${figure.verified}]`)
      }
    }
  }
} finally {
  await servers.stop()
}
process.stdout.write(`\n${table(figures, bare)}`)
process.stdout.write(`load average ${loadBefore.toFixed(1)} when it began, ${(loadavg()[0] ?? 0).toFixed(1)} at the end (with its own)\n`)
for (const line of absent) process.stdout.write(`${line}\n`)
const wrong = figures.filter((figure) => !figure.isExact)
process.stdout.write(
  `${Math.round((performance.now() - startedMs) / 1_000)} s; ${wrong.length === 0 ? 'delivery was exact' : `delivery was NOT exact in ${wrong.length} rows`}\n`,
)
process.exitCode = wrong.length === 0 ? 0 : 1

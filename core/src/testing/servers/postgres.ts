import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

export interface PostgresServer {
  readonly url: string
  /** Makes an empty database and answers its url. */
  database(name: string): Promise<string>
  stop(): Promise<void>
}

const versionsRoot = '/usr/lib/postgresql'
const startMs = 30_000

/** The directory that holds both `initdb` and `postgres`, or null. */
export function findPostgres(): string | null {
  const versions = existsSync(versionsRoot) ? readdirSync(versionsRoot).sort((a, b) => Number(b) - Number(a)) : []
  const candidates = [...(process.env.PATH ?? '').split(':'), ...versions.map((version) => join(versionsRoot, version, 'bin'))]
  return candidates.find((path) => path !== '' && ['initdb', 'postgres'].every((name) => existsSync(join(path, name)))) ?? null
}

/** PostgreSQL refuses to run as root: whom to be instead. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch (error) {
    if (error instanceof Error) return { uid: 65_534, gid: 65_534 }
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

/** Resolves when the server says that it accepts connections; rejects with what it said instead. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => reject(new Error(`PostgreSQL did not start in ${startMs} ms: ${said}`)), startMs)
    child.stderr?.on('data', (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString()
      if (!said.includes('ready to accept connections')) return
      clearTimeout(timer)
      resolve()
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`PostgreSQL ended with ${code}: ${said}`)))
  })
}

async function makeDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`)
  } finally {
    await client.end()
  }
  return Object.assign(new URL(url), { pathname: `/${name}` }).href
}

async function dropDatabase(url: string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`)
  } finally {
    await client.end()
  }
}

/** A server somebody else runs: databases made through it are dropped at the end. */
export function borrowPostgres(url: string): PostgresServer {
  const made: string[] = []
  return {
    url,
    async database(name) {
      const unique = `${name}_${process.pid}_${made.length}`
      const found = await makeDatabase(url, unique)
      made.push(unique)
      return found
    },
    async stop() {
      for (const name of made) await dropDatabase(url, name)
    },
  }
}

/** A throwaway server on a loopback port of its own, with `fsync` as in production. */
export async function startPostgres({ bin }: { bin: string }): Promise<PostgresServer> {
  const root = mkdtempSync(join(tmpdir(), 'trunkline-postgres-'))
  const data = join(root, 'data')
  const user = unprivileged()
  const identity = user ?? {}
  if (user) chownSync(root, user.uid, user.gid)
  const port = await freePort()
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'trunkline', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'], {
    ...identity,
    cwd: root,
    stdio: 'ignore',
  })
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, `unix_socket_directories=${root}`, 'fsync=on', 'max_connections=100']
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...identity,
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // However this process ends, the server must not outlive it.
  const kill = () => {
    child.kill('SIGQUIT')
    rmSync(root, { recursive: true, force: true, maxRetries: 5 })
  }
  process.once('exit', kill)
  try {
    await ready(child)
  } catch (error) {
    process.removeListener('exit', kill)
    kill()
    throw error
  }
  child.stderr?.resume()
  const url = `postgres://trunkline@127.0.0.1:${port}/postgres`
  return {
    url,
    database: (name) => makeDatabase(url, name),
    async stop() {
      process.removeListener('exit', kill)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGINT')
      await ended
      rmSync(root, { recursive: true, force: true })
    },
  }
}

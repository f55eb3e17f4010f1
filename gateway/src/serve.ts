import { once } from 'node:events'
import { createServer } from 'node:net'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { buildHub, type Hub } from './build.ts'
import { type Config, ConfigError, loadConfig, readEnvironment } from './config.ts'
import { createLog } from './log.ts'

/** Together with a second for each end of it, less than the ten seconds that container runtimes wait before they kill. */
const drainMs = 7_000
const closeMs = 1_000

function configure(): Config {
  try {
    return loadConfig(readEnvironment(process.env))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

/** A worker answers its probes and nothing else. */
function probesOf(hub: Hub): Hono {
  const probes = new Hono()
  for (const path of ['/healthz', '/readyz', '/metrics']) probes.get(path, (c) => hub.app.fetch(c.req.raw))
  return probes
}

/** Port 0 is any free port, and it has to be known before the first address that holds it is made. */
async function withPort(given: Config): Promise<Config> {
  if (given.port !== 0) return given
  const probe = createServer().listen(0, given.host)
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { ...given, port, publicUrl: given.publicUrl.replace(/^http:\/\/localhost:0$/, `http://localhost:${port}`) }
}

const config = await withPort(configure())
const log = createLog({ level: config.logLevel, pretty: config.logPretty ?? process.stdout.isTTY })
const hub = await buildHub(config, log).catch((error: unknown) => {
  console.error(`Trunkline could not start: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
})

// Before anything else can go wrong: the store has it by now, and it is never shown again.
if (hub.generatedKey !== null) console.log(`Admin key, shown this once: ${hub.generatedKey}`)

const face = config.role === 'worker' ? probesOf(hub) : hub.app
let isStopping = false
async function respond(request: Request, env: Parameters<Hono['fetch']>[1]): Promise<Response> {
  const response = await face.fetch(request, env)
  // A client that keeps its connection would go on asking a hub that has closed its store.
  if (isStopping) response.headers.set('connection', 'close')
  return response
}

const server = serve({ fetch: respond, port: config.port, hostname: config.host }, (address) => {
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  const url = `http://${host}:${address.port}`
  console.log(
    `Trunkline (${config.role}, ${config.mode === 'embedded' ? 'embedded' : 'PostgreSQL'}) listens on ${url}; its API is described at ${url}/docs`,
  )
})

server.on('error', (error: NodeJS.ErrnoException) => {
  // Several workers on one machine would all want the port of their probes; the work does not need it.
  if (config.role === 'worker' && error.code === 'EADDRINUSE') {
    log.warn({ port: config.port }, 'probes.port_taken')
    return
  }
  console.error(`Trunkline could not listen on ${config.host}:${config.port}: ${error.message}`)
  process.exit(1)
})

async function stop(signal: string): Promise<void> {
  if (isStopping) process.exit(1)
  isStopping = true
  log.info({ signal }, 'hub.draining')
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  if ('closeIdleConnections' in server) server.closeIdleConnections()
  // Requests first: what is taken in now is still answered, and only then is the store closed under it.
  await Promise.race([closed, new Promise<void>((resolve) => setTimeout(resolve, closeMs))])
  await hub.stop(drainMs)
  log.info({ signal }, 'hub.stopped')
  process.exit(0)
}

process.on('SIGTERM', () => void stop('SIGTERM'))
process.on('SIGINT', () => void stop('SIGINT'))

import { connect, isIP, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Runtime } from '../runtime.ts'
import { refuseAddress } from '../webhook/guard.ts'
import { createDeadline } from './deadline.ts'
import { createConnectGuard } from './guarded-connect.ts'
import type { SmtpFailure } from './smtp-verdict.ts'
import { connectionTrouble, serverWords } from './wording.ts'

export interface SmtpServer {
  readonly host: string
  readonly port: number
  readonly secure: boolean
  readonly user: string | null
  readonly pass: string | null
  readonly allowPrivate: boolean
}

export type SessionResult = { type: 'done'; response: string } | { type: 'failed'; failure: SmtpFailure }

interface Limits {
  runtime: Runtime
  timeoutMs: number
  signal: AbortSignal
}

/**
 * One connection for one message (or, with none, to see whether the server lets us in). A session of its own tells exactly whether the
 * message was handed over: its stream is read only after the server said 354, and its end is the last moment at which nothing was sent.
 */
export async function runSession(server: SmtpServer, mail: { from: string; to: string; raw: Buffer } | null, limits: Limits): Promise<SessionResult> {
  const deadline = createDeadline(limits)
  let handedOver = false
  let socket: Socket | null = null
  let connection: SMTPConnection | null = null
  try {
    deadline.signal.throwIfAborted()
    socket = await open(server, deadline.signal)
    // Its own timeouts would run by another clock; the deadline covers all of them.
    const never = 2_147_483_647
    const waits = { connectionTimeout: never, greetingTimeout: never, socketTimeout: never }
    const servername = isIP(server.host) === 0 ? { servername: server.host } : {}
    // Late errors of a socket that is being let go have nobody to tell.
    socket.on('error', () => {})
    connection = new SMTPConnection({ host: server.host, port: server.port, secure: server.secure, connection: socket, ...servername, ...waits })
    const response = await converse(connection, {
      server,
      mail,
      remoteAddress: socket.remoteAddress ?? '',
      signal: deadline.signal,
      onHandedOver: () => (handedOver = true),
    })
    connection.close()
    return { type: 'done', response }
  } catch (error) {
    connection?.close()
    socket?.destroy()
    const broken = deadline.expired() ? `no answer within ${limits.timeoutMs} ms` : limits.signal.aborted ? 'called off' : null
    return {
      type: 'failed',
      failure: {
        ...describe(error, server),
        handedOver,
        ...(broken === null ? {} : { detail: broken, responseCode: null, code: '', command: 'CONN' }),
      },
    }
  } finally {
    deadline.done()
  }
}

/** Resolves the name itself and connects to what was checked; the name stays what the certificate must show. */
function open({ host, port, allowPrivate }: SmtpServer, signal: AbortSignal): Promise<Socket> {
  const guard = createConnectGuard({ allowPrivate })
  guard.checkHost(host)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port, lookup: guard.lookup, signal })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

interface Talk {
  server: SmtpServer
  mail: { from: string; to: string; raw: Buffer } | null
  remoteAddress: string
  signal: AbortSignal
  onHandedOver(): void
}

function converse(connection: SMTPConnection, { server, mail, remoteAddress, signal, onHandedOver }: Talk): Promise<string> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    connection.on('error', reject)
    connection.once('end', () => reject(Object.assign(new Error('the connection ended'), { command: 'CONN' })))
    const sendMail = () => {
      if (mail === null) {
        connection.quit()
        return resolve('ready')
      }
      const stream = Readable.from(slices(mail.raw), { objectMode: false })
      stream.once('end', onHandedOver)
      connection.send({ from: mail.from, to: [mail.to], size: mail.raw.length }, stream, (error, info) => {
        if (error) return reject(error)
        connection.quit()
        resolve(info.response)
      })
    }
    connection.connect((error) => {
      if (error) return reject(error)
      if (server.user === null || server.pass === null) return sendMail()
      // STARTTLS can be stripped on the way: across the public network a password is never given in clear.
      if (!connection.secure && refuseAddress(remoteAddress, { allowPrivate: false }) === null) {
        return reject(
          Object.assign(new Error('no TLS'), { code: 'EAUTH', command: 'API', response: 'the server offers no TLS, so the password was not given' }),
        )
      }
      connection.login({ credentials: { user: server.user, pass: server.pass } }, (failed) => (failed ? reject(failed) : sendMail()))
    })
  })
}

/** In pieces, so that the end is read only when the connection has taken what is before it. */
function* slices(raw: Buffer): Generator<Buffer> {
  for (let start = 0; start < raw.length; start += 16_384) yield raw.subarray(start, start + 16_384)
}

/** nodemailer's fields, each checked: what it throws is not ours. */
function describe(error: unknown, { pass }: SmtpServer): Omit<SmtpFailure, 'handedOver'> {
  const field = (name: string): unknown => (error instanceof Error ? Reflect.get(error, name) : undefined)
  const [command, code, responseCode, response] = [field('command'), field('code'), field('responseCode'), field('response')]
  return {
    command: typeof command === 'string' ? command : 'CONN',
    code: typeof code === 'string' ? code : '',
    responseCode: typeof responseCode === 'number' ? responseCode : null,
    detail: typeof response === 'string' && response !== '' ? serverWords(response, [pass ?? '']) : connectionTrouble(error),
  }
}

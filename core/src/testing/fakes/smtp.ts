import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { fakeCertificate } from './certificate.ts'

/** The moment in the conversation at which the fake misbehaves. `body`: after the final dot; `half-body`: while the message is coming in. */
export type SmtpMoment = 'greeting' | 'EHLO' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'half-body' | 'body'

/** A reply such as `550 5.1.1 nobody`, or: `reset` kills the connection, `stall` never answers, a `half` reply lacks its line end and then dies. */
export type SmtpReply = string | 'reset' | 'stall' | { half: string }

export interface SmtpLedgerEntry {
  from: string
  to: string[]
  /** The bytes between DATA and the dot, unstuffed, as they came over the wire. */
  raw: string
  at: number
}

export interface FakeSmtp {
  readonly host: string
  readonly port: number
  /** Every message it took: also those whose answer was then lost. */
  readonly ledger: readonly SmtpLedgerEntry[]
  /** `user:pass` of each login it let in. */
  readonly logins: readonly string[]
  /** Command lines, as they came. */
  readonly commands: readonly string[]
  /** Replaces the script. */
  script(script: Partial<Record<SmtpMoment, SmtpReply>>): void
  /** Resolves when a message arrived whole, before it is answered. */
  nextMessage(): Promise<SmtpLedgerEntry>
  /** Resolves when somebody connects. */
  nextConnection(): Promise<void>
  close(): Promise<void>
}

/** A small real SMTP server (RFC 5321, AUTH PLAIN, TLS for `localhost`), loopback only, with a ledger and scripted faults. */
export async function startFakeSmtp(
  options: { port?: number; auth?: { user: string; pass: string }; tls?: 'implicit' | 'starttls' } = {},
): Promise<FakeSmtp> {
  let script: Partial<Record<SmtpMoment, SmtpReply>> = {}
  const ledger: SmtpLedgerEntry[] = []
  const logins: string[] = []
  const commands: string[] = []
  const sockets = new Set<Socket>()
  const arrivals: ((entry: SmtpLedgerEntry) => void)[] = []
  const connections: (() => void)[] = []

  /** False: the conversation is over, or hangs. */
  function say(socket: Socket, moment: SmtpMoment, otherwise: string): boolean {
    const reply = script[moment] ?? otherwise
    if (reply === 'stall') return false
    if (reply === 'reset') {
      socket.resetAndDestroy()
      return false
    }
    if (typeof reply !== 'string') {
      socket.end(reply.half)
      return false
    }
    socket.write(`${reply}\r\n`)
    return true
  }

  function secured(socket: Socket): TLSSocket {
    const tls = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(fakeCertificate) })
    tls.on('error', () => tls.destroy())
    return tls
  }

  function converse(socket: Socket, { greet }: { greet: 'greets' | 'goes on' }): void {
    let buffer = ''
    let inData = false
    let from = ''
    let to: string[] = []
    const offersTls = options.tls === 'starttls' && !(socket instanceof TLSSocket)
    if (greet === 'greets' && !say(socket, 'greeting', '220 fake.test ESMTP')) return

    function command(line: string): void {
      commands.push(line)
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'EHLO' || verb === 'HELO')
        say(
          socket,
          'EHLO',
          `250-fake.test\r\n250-8BITMIME\r\n${offersTls ? '250-STARTTLS\r\n' : ''}${options.auth ? '250-AUTH PLAIN\r\n' : ''}250 SIZE 30000000`,
        )
      else if (verb === 'AUTH') {
        const [, user = '', pass = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')
        const known = options.auth?.user === user && options.auth.pass === pass
        if (say(socket, 'AUTH', known ? '235 2.7.0 welcome' : '535 5.7.8 bad credentials') && known) logins.push(`${user}:${pass}`)
      } else if (verb === 'MAIL') {
        from = /<([^>]*)>/.exec(line)?.[1] ?? ''
        say(socket, 'MAIL', '250 2.1.0 ok')
      } else if (verb === 'RCPT') {
        to.push(/<([^>]*)>/.exec(line)?.[1] ?? '')
        say(socket, 'RCPT', '250 2.1.5 ok')
      } else if (verb === 'DATA') {
        inData = say(socket, 'DATA', '354 go ahead') && !/^[45]/.test(typeof script.DATA === 'string' ? script.DATA : '')
      } else if (verb === 'STAR' && offersTls) {
        socket.removeAllListeners('data')
        socket.write('220 2.0.0 go ahead\r\n', () => converse(secured(socket), { greet: 'goes on' }))
      } else if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n')
      else if (verb === 'RSET' || verb === 'NOOP') socket.write('250 ok\r\n')
      else socket.write('500 5.5.1 no such command\r\n')
    }

    // Not setEncoding: STARTTLS takes the socket over, and needs its bytes.
    socket.on('data', (chunk: Buffer) => {
      buffer += chunk.toString('latin1')
      for (;;) {
        if (inData) {
          if (script['half-body'] !== undefined && buffer.length > 0) return void say(socket, 'half-body', '')
          const end = buffer.startsWith('.\r\n') ? 0 : buffer.indexOf('\r\n.\r\n') + 2
          if (end === 1) return
          const raw = buffer.slice(0, end).replace(/^\.\./gm, '.')
          buffer = buffer.slice(end + 3)
          inData = false
          const entry = { from, to, raw, at: Date.now() }
          const refused = /^[45]/.test(typeof script.body === 'string' ? script.body : '')
          if (!refused) ledger.push(entry)
          to = []
          for (const arrived of arrivals.splice(0)) arrived(entry)
          if (!say(socket, 'body', '250 2.0.0 queued')) return
        }
        const line = buffer.indexOf('\r\n')
        if (line < 0) return
        const text = buffer.slice(0, line)
        buffer = buffer.slice(line + 2)
        command(text)
      }
    })
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    for (const connected of connections.splice(0)) connected()
    converse(options.tls === 'implicit' ? secured(socket) : socket, { greet: 'greets' })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    host: '127.0.0.1',
    port,
    ledger,
    logins,
    commands,
    script(next) {
      script = next
    },
    nextMessage: () => new Promise((resolve) => arrivals.push(resolve)),
    nextConnection: () => new Promise((resolve) => connections.push(resolve)),
    async close() {
      for (const socket of sockets) socket.destroy()
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}

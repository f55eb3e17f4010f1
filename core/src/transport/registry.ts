import type { Line } from '../line/line.ts'
import type { Metrics } from '../metrics.ts'
import type { Runtime } from '../runtime.ts'
import { openSettings } from '../workspace/sealed-settings.ts'
import type { Sealer } from '../workspace/secrets.ts'
import type { Inbound, Transport, TransportKind } from './transport.ts'

export interface Transports {
  readonly kinds: ReadonlyMap<string, TransportKind>
  /** The line's open transport; opened anew when its settings changed. */
  of(line: Line): Transport
  close(): Promise<void>
}

export interface TransportsParts {
  kinds: readonly TransportKind[]
  runtime: Runtime
  metrics: Metrics
  sealer: Sealer
  timeoutMs: number
  allowPrivate: boolean
  allowPrivateFetch: boolean
  inbound(line: Line, event: Inbound): void
}

/** Keeps one open transport per line, measured. */
export function createTransports(parts: TransportsParts): Transports {
  const kinds = new Map(parts.kinds.map((kind) => [kind.type, kind]))
  const open = new Map<string, { key: string; transport: Transport }>()

  function measured(type: string, transport: Transport): Transport {
    async function timed<T extends { type?: string; ok?: boolean }>(op: string, call: Promise<T>): Promise<T> {
      const from = parts.runtime.now().getTime()
      const result = await call
      parts.metrics.vendor(type, op, result.type ?? (result.ok ? 'ok' : 'failing'), parts.runtime.now().getTime() - from)
      return result
    }
    return {
      send: (request, signal) => timed('send', transport.send(request, signal)),
      lookup: (request, signal) => timed('lookup', transport.lookup(request, signal)),
      check: (address, signal) => timed('check', transport.check(address, signal)),
      checkup: (signal) => timed('checkup', transport.checkup(signal)),
      receive: (body) => transport.receive(body),
      close: () => transport.close(),
    }
  }

  return {
    kinds,
    of(line) {
      const kind = kinds.get(line.transport.type)
      if (!kind) throw new Error(`no transport of type ${line.transport.type} is installed`)
      const key = JSON.stringify([line.transport, line.phone, line.email, line.name])
      const known = open.get(line.id)
      if (known?.key === key) return known.transport
      void known?.transport.close()
      const settings = openSettings(parts.sealer, { workspaceId: line.workspaceId, place: 'transport' }, line.transport)
      const transport = measured(
        kind.type,
        kind.open({
          runtime: parts.runtime,
          line,
          settings: kind.settings.parse(settings),
          timeoutMs: parts.timeoutMs,
          allowPrivate: parts.allowPrivate,
          allowPrivateFetch: parts.allowPrivateFetch,
          inbound: (event) => parts.inbound(line, event),
        }),
      )
      open.set(line.id, { key, transport })
      return transport
    },
    async close() {
      await Promise.all([...open.values()].map((entry) => entry.transport.close()))
      open.clear()
    },
  }
}

import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRuntime } from '../runtime.ts'
import { createPoster } from './post.ts'
import { newSecret, signedHeaders } from './sign.ts'

// node core/src/webhook/post-bench.ts: posts and signatures per second of one process, to a receiver in another.
if (process.send) {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.end())
  })
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
} else {
  const receiver = fork(import.meta.filename)
  const port = await new Promise<number>((resolve) => receiver.once('message', (message) => resolve(Number(message))))
  const runtime = createRuntime({ debug() {}, info() {}, warn() {}, error() {} })
  const poster = createPoster({ allowPrivate: true, runtime })
  const secrets = [newSecret()]
  const body = JSON.stringify({ event: 'message.sent', id: 'evt_1', pad: 'x'.repeat(1_800) })
  const signal = new AbortController().signal
  const total = 40_000
  for (const inFlight of [32, 64, 256]) {
    let left = total
    let failed = 0
    const startedAt = performance.now()
    const one = async () => {
      while (left-- > 0) {
        const headers = signedHeaders({ id: 'evt_1', event: 'message.sent', body, at: runtime.now(), secrets })
        const result = await poster.post({ url: `http://127.0.0.1:${port}/`, headers, body, signal })
        if (result.error !== null) failed++
      }
    }
    await Promise.all(Array.from({ length: inFlight }, one))
    const seconds = (performance.now() - startedAt) / 1000
    process.stdout.write(`${inFlight} in flight: ${Math.round(total / seconds)} signed posts/s, ${failed} failed\n`)
  }
  await poster.close()
  receiver.kill()
}

import { parseArgs } from 'node:util'
import { startFakeBlueBubbles } from '@trunkline/core/testing/fakes'

export { type FakeBlueBubbles, type LedgerEntry, type Rule, type Script, startFakeBlueBubbles } from '@trunkline/core/testing/fakes'

// As a program: `node test/fakes/bluebubbles.ts --port N`. Its first line on stdout says where it is; SIGTERM stops it.
if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { port: { type: 'string' }, password: { type: 'string' }, hook: { type: 'string' } } })
  const fake = await startFakeBlueBubbles({
    port: Number(values.port ?? 0),
    ...(values.password === undefined ? {} : { password: values.password }),
    ...(values.hook === undefined ? {} : { hookUrl: values.hook }),
  })
  process.stdout.write(`${JSON.stringify({ url: fake.url, port: fake.port, password: fake.password, pid: process.pid })}\n`)
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => void fake.close())
}
